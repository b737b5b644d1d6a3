#include "data_tools/inspect/duplicates.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <exception>
#include <map>
#include <mutex>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "base/files.h"
#include "data_tools/photos/opencv_setup.h"

namespace pleat {
namespace {

constexpr int kMostBits = 4;           // in which hashes of near duplicates may differ
constexpr double kMostDifference = 6;  // of 255, in the mean over all values
constexpr std::size_t kWindow = 256;   // neighbours in a bucket that a row is compared with

struct Print {
  std::size_t row = 0;
  std::uint64_t hash = 0;
  std::uint32_t crc = 0;
};

// Returns the prints of all valid rows, in row order.
std::vector<Print> fingerprints(const CropFile& crops, int threads, const std::function<void(std::size_t)>& progress) {
  std::vector<Print> prints;
  for (std::size_t row = 0; row < crops.rows(); ++row) {
    if (crops.valid(row)) prints.push_back({.row = row});
  }
  std::atomic<std::size_t> next = 0, done = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    constexpr std::size_t kPiece = 256;
    try {
      for (std::size_t begin; (begin = next.fetch_add(kPiece)) < prints.size();) {
        const std::size_t end = std::min(prints.size(), begin + kPiece);
        for (std::size_t i = begin; i < end; ++i) {
          const auto image = crops.image(prints[i].row);
          prints[i].hash = picture_hash(image, crops.shape());
          prints[i].crc = crc32({reinterpret_cast<const char*>(image.data()), image.size()});
        }
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
  return prints;
}

bool same_pixels(const CropFile& crops, std::size_t one, std::size_t other) {
  return std::ranges::equal(crops.image(one), crops.image(other));
}

bool near_pixels(const CropFile& crops, std::size_t one, std::size_t other) {
  const auto a = crops.image(one), b = crops.image(other);
  constexpr std::size_t kPiece = 4096;  // its sum fits an int; compilers have an instruction for this form
  std::uint64_t sum = 0;
  for (std::size_t begin = 0; begin < a.size(); begin += kPiece) {
    int part = 0;
    for (std::size_t i = begin; i < std::min(a.size(), begin + kPiece); ++i) part += std::abs(int{a[i]} - int{b[i]});
    sum += static_cast<std::uint64_t>(part);
  }
  return static_cast<double>(sum) <= kMostDifference * static_cast<double>(a.size());
}

// Returns the sets of equal crops, and leaves one print of each set in `prints`.
std::vector<std::vector<std::size_t>> take_exact(const CropFile& crops, std::vector<Print>& prints) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<std::vector<std::size_t>>> sets;
  std::vector<Print> firsts;
  for (const Print& print : prints) {
    auto& alike = sets[{print.hash, print.crc}];  // more than one set only if checksums collide
    const auto set =
        std::ranges::find_if(alike, [&](const auto& rows) { return same_pixels(crops, rows.front(), print.row); });
    if (set != alike.end()) {
      set->push_back(print.row);
      continue;
    }
    alike.push_back({print.row});
    firsts.push_back(print);
  }
  prints = std::move(firsts);
  std::vector<std::vector<std::size_t>> exact;
  for (auto& [print, alike] : sets) {
    for (auto& rows : alike) {
      if (rows.size() > 1) exact.push_back(std::move(rows));
    }
  }
  std::ranges::sort(exact);
  return exact;
}

// Hashes that differ in at most 4 bits are equal in at least one of 5 bands. A pair is compared in the first one.
constexpr std::array<std::uint64_t, kMostBits + 1> kBands{0x1FFFULL, 0x1FFFULL << 13, 0x1FFFULL << 26, 0x1FFFULL << 39,
                                                          0xFFFULL << 52};

std::vector<std::pair<std::size_t, std::size_t>> find_near(const CropFile& crops, std::vector<Print> prints) {
  std::vector<std::pair<std::size_t, std::size_t>> near;
  std::uint64_t before = 0;  // the earlier bands' bits
  const auto met_before = [&](std::uint64_t bits) {
    return std::ranges::any_of(kBands, [&](std::uint64_t band) { return (band & before) != 0 && (bits & band) == 0; });
  };
  for (const std::uint64_t band : kBands) {
    std::ranges::sort(prints, {}, [band](const Print& print) {
      return std::tuple{print.hash & band, print.hash, print.row};
    });
    for (std::size_t i = 0; i < prints.size(); ++i) {
      for (std::size_t j = i + 1; j < std::min(prints.size(), i + 1 + kWindow); ++j) {
        const Print &one = prints[i], &other = prints[j];
        if ((one.hash & band) != (other.hash & band)) break;
        const std::uint64_t bits = one.hash ^ other.hash;
        if (std::popcount(bits) > kMostBits || met_before(bits) || !near_pixels(crops, one.row, other.row)) continue;
        near.emplace_back(std::min(one.row, other.row), std::max(one.row, other.row));
      }
    }
    before |= band;
  }
  std::ranges::sort(near);
  return near;
}

}  // namespace

std::uint64_t picture_hash(std::span<const std::uint8_t> image, const ImageShape& shape) {
  constexpr int kSide = 8;
  const cv::Mat pixels(shape.height, shape.width, shape.channels == 1 ? CV_8UC1 : CV_8UC3,
                       const_cast<std::uint8_t*>(image.data()));
  cv::Mat gray, parts;
  if (shape.channels == 1)
    gray = pixels;
  else
    cv::cvtColor(pixels, gray, cv::COLOR_RGB2GRAY);
  cv::resize(gray, parts, {kSide + 1, kSide}, 0, 0, cv::INTER_AREA);
  std::uint64_t hash = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x)
      hash = hash << 1 | std::uint64_t{parts.at<std::uint8_t>(y, x) > parts.at<std::uint8_t>(y, x + 1)};
  }
  return hash;
}

Duplicates find_duplicates(const CropFile& crops, int threads, const std::function<void(std::size_t)>& progress) {
  quiet_opencv();
  std::vector<Print> prints = fingerprints(crops, threads, progress);
  Duplicates duplicates{.exact = take_exact(crops, prints)};
  duplicates.near = find_near(crops, std::move(prints));
  return duplicates;
}

}  // namespace pleat
