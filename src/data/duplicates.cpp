#include "data/duplicates.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "data/resample.h"

namespace pleat {
namespace {

constexpr int kMostBits = 4;                  // in which hashes of near duplicates may differ
constexpr std::uint64_t kMostDifference = 6;  // of 255, in the mean over all values
constexpr std::size_t kWindow = 256;          // neighbours in a bucket that a row is compared with
constexpr std::size_t kPiece = 256;           // rows between two reports of progress

using RowsDone = std::function<void(std::size_t)>;

struct Print {
  std::size_t row = 0;
  std::uint64_t hash = 0;
};

// One row of each set of equal crops, ascending.
std::vector<Print> distinct_rows(const CropFile& crops, const std::vector<std::size_t>& rows,
                                 const std::vector<Copies>& exact) {
  std::vector<bool> repeats(crops.rows(), false);
  for (const Copies& copies : exact) {
    for (std::size_t i = 1; i < copies.size(); ++i) repeats[copies[i]] = true;
  }
  std::vector<Print> prints;
  for (const std::size_t row : rows) {
    if (crops.valid(row) && !repeats[row]) prints.push_back({.row = row});
  }
  return prints;
}

void add_hashes(const CropFile& crops, int threads, const RowsDone& progress, std::vector<Print>& prints) {
  std::atomic<std::size_t> next = 0, done = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    try {
      for (std::size_t begin; (begin = next.fetch_add(kPiece)) < prints.size();) {
        const std::size_t end = std::min(prints.size(), begin + kPiece);
        for (std::size_t i = begin; i < end; ++i)
          prints[i].hash = picture_hash(crops.image(prints[i].row), crops.shape());
        progress(done += end - begin);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = prints.size();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

// Sum of the pixels' differences, or a part of the sum that is above `limit`.
std::uint64_t difference(const CropFile& crops, std::size_t one, std::size_t other, std::uint64_t limit) {
  const auto a = crops.image(one), b = crops.image(other);
  constexpr std::size_t kStep = 4096;  // its sum fits an int; compilers have an instruction for this form
  std::uint64_t sum = 0;
  for (std::size_t begin = 0; begin < a.size() && sum <= limit; begin += kStep) {
    int part = 0;
    for (std::size_t i = begin; i < std::min(a.size(), begin + kStep); ++i) part += std::abs(int{a[i]} - int{b[i]});
    sum += static_cast<std::uint64_t>(part);
  }
  return sum;
}

bool is_near(const CropFile& crops, std::size_t one, std::size_t other) {
  const std::uint64_t most = kMostDifference * crops.shape().bytes();
  return difference(crops, one, other, most) <= most;
}

bool same_pixels(const CropFile& crops, std::size_t one, std::size_t other) {
  return std::ranges::equal(crops.image(one), crops.image(other));
}

// Hashes that differ in at most 4 bits are equal in at least one of 5 bands. A pair is compared in the first one.
constexpr std::array<std::uint64_t, kMostBits + 1> kBands{0x1FFFULL, 0x1FFFULL << 13, 0x1FFFULL << 26, 0x1FFFULL << 39,
                                                          0xFFFULL << 52};

// Joins rows into sets: each row points to an earlier one of its set, the first row to itself.
class JoinedRows {
 public:
  explicit JoinedRows(std::size_t rows) : earlier_(rows) { std::iota(earlier_.begin(), earlier_.end(), 0); }

  std::size_t first_of(std::size_t row) {
    while (earlier_[row] != row) row = earlier_[row] = earlier_[earlier_[row]];
    return row;
  }
  void join(std::size_t one, std::size_t other) {
    const std::size_t a = first_of(one), b = first_of(other);
    earlier_[std::max(a, b)] = std::min(a, b);
  }

  // Sets of two or more rows, by first row.
  std::vector<Copies> sets() {
    std::map<std::size_t, Copies> rows_of;
    for (std::size_t row = 0; row < earlier_.size(); ++row) {
      if (const std::size_t first = first_of(row); first != row) rows_of[first].push_back(row);
    }
    std::vector<Copies> list;
    for (auto& [first, rows] : rows_of) {
      rows.insert(rows.begin(), first);
      list.push_back(std::move(rows));
    }
    return list;
  }

 private:
  std::vector<std::size_t> earlier_;
};

std::vector<Copies> find_near(const CropFile& crops, std::vector<Print> prints, const RowsDone& progress) {
  JoinedRows joined(crops.rows());
  std::uint64_t before = 0;  // the earlier bands' bits
  const auto met_before = [&](std::uint64_t bits) {
    return std::ranges::any_of(kBands, [&](std::uint64_t band) { return (band & before) != 0 && (bits & band) == 0; });
  };
  std::size_t compared = 0;  // rows, in all bands
  for (const std::uint64_t band : kBands) {
    std::ranges::sort(prints, {}, [band](const Print& print) {
      return std::tuple{print.hash & band, print.hash, print.row};
    });
    for (std::size_t i = 0; i < prints.size(); ++i) {
      for (std::size_t j = i + 1; j < std::min(prints.size(), i + 1 + kWindow); ++j) {
        const Print &one = prints[i], &other = prints[j];
        if ((one.hash & band) != (other.hash & band)) break;
        const std::uint64_t bits = one.hash ^ other.hash;
        if (std::popcount(bits) > kMostBits || met_before(bits)) continue;
        if (joined.first_of(one.row) != joined.first_of(other.row) && is_near(crops, one.row, other.row))
          joined.join(one.row, other.row);
      }
      if (++compared % kPiece == 0) progress(compared / kBands.size());
    }
    before |= band;
  }
  return joined.sets();
}

std::vector<Copies> with_exact(const std::vector<Copies>& near, const std::vector<Copies>& exact) {
  std::size_t rows = 0;
  for (const auto* sets : {&near, &exact}) {
    for (const Copies& copies : *sets) rows = std::max(rows, copies.back() + 1);
  }
  JoinedRows joined(rows);
  for (const auto* sets : {&near, &exact}) {
    for (const Copies& copies : *sets) {
      for (const std::size_t row : copies) joined.join(copies.front(), row);
    }
  }
  return joined.sets();
}

}  // namespace

double mean_difference(const CropFile& crops, std::size_t one, std::size_t other) {
  return static_cast<double>(difference(crops, one, other, UINT64_MAX)) / static_cast<double>(crops.shape().bytes());
}

std::vector<std::size_t> valid_rows(const CropFile& crops) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) rows.push_back(row);
  }
  return rows;
}

std::vector<Copies> find_exact_duplicates(const CropFile& crops, const std::vector<std::size_t>& rows) {
  std::unordered_map<std::uint32_t, std::vector<Copies>> sets;  // more than one set only if checksums collide
  for (const std::size_t row : rows) {
    if (!crops.valid(row)) continue;
    std::vector<Copies>& alike = sets[crops.checksum(row)];
    const auto set =
        std::ranges::find_if(alike, [&](const Copies& rows) { return same_pixels(crops, rows.front(), row); });
    if (set == alike.end())
      alike.push_back({row});
    else
      set->push_back(row);
  }
  std::vector<Copies> exact;
  for (auto& [checksum, alike] : sets) {
    for (Copies& rows : alike) {
      if (rows.size() > 1) exact.push_back(std::move(rows));
    }
  }
  std::ranges::sort(exact);
  return exact;
}

std::vector<Copies> near_sets(const Duplicates& duplicates) {
  std::unordered_set<std::size_t> is_near;
  for (const Copies& copies : duplicates.near) is_near.insert(copies.begin(), copies.end());
  std::vector<Copies> exact = duplicates.exact;
  std::erase_if(exact, [&](const Copies& copies) { return !is_near.contains(copies.front()); });
  return with_exact(duplicates.near, exact);
}

std::vector<Copies> all_sets(const Duplicates& duplicates) { return with_exact(duplicates.near, duplicates.exact); }

std::uint64_t picture_hash(std::span<const std::uint8_t> image, const ImageShape& shape) {
  constexpr int kSide = 8;
  static thread_local ImageShape known;  // all crops of a file have one shape
  static thread_local AxisTaps rows, columns;
  if (known != shape) {
    known = shape;
    rows = axis_taps(0, shape.height, shape.height, kSide);
    columns = axis_taps(0, shape.width, shape.width, kSide + 1);
  }
  constexpr std::array<float, 3> kOne{1, 1, 1}, kZero{0, 0, 0};
  const auto channels = static_cast<std::size_t>(shape.channels);
  std::vector<float> parts(kSide * (kSide + 1) * channels);
  resample(image, shape, rows, columns, std::span(kOne).first(channels), std::span(kZero).first(channels),
           parts.data());
  // Whole gray levels, so that noise far below a level decides nothing.
  const auto gray = [&](int y, int x) {
    const float* part = parts.data() + static_cast<std::size_t>(y * (kSide + 1) + x) * channels;
    return std::lround(channels == 1 ? part[0] : 0.299F * part[0] + 0.587F * part[1] + 0.114F * part[2]);
  };
  std::uint64_t hash = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) hash = hash << 1 | std::uint64_t{gray(y, x) > gray(y, x + 1)};
  }
  return hash;
}

Duplicates find_duplicates(const CropFile& crops, const std::vector<std::size_t>& rows, int threads,
                           const std::function<void(std::size_t)>& progress) {
  Duplicates duplicates{.exact = find_exact_duplicates(crops, rows)};
  std::vector<Print> prints = distinct_rows(crops, rows, duplicates.exact);
  const std::size_t half = rows.size() / 2;  // half of the progress for each of the two steps
  add_hashes(
      crops, threads, [&](std::size_t done) { progress(done / 2); }, prints);
  duplicates.near = find_near(crops, std::move(prints), [&](std::size_t done) { progress(half + done / 2); });
  progress(rows.size());
  return duplicates;
}

}  // namespace pleat
