#include "data_tools/write_rows.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/stop_signal.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListed = 20;  // broken photos named in the error

// This rank's rows. One block each: neighbours in the file are then written by one host, which network file systems
// need.
struct Share {
  std::size_t begin, end;
};

Share share_of(std::size_t rows, const Ranks& ranks) {
  const auto cut = [&](int rank) {
    return rows * static_cast<std::size_t>(rank) / static_cast<std::size_t>(ranks.size);
  };
  return {cut(ranks.rank), cut(ranks.rank + 1)};
}

// Workers take row by row; the first error that is not a broken photo ends them all.
class ShareWriter {
 public:
  ShareWriter(CropWriter& writer, const ImageShape& shape, Share share, const FillRow& fill,
              const MakeCropsOptions& options)
      : writer_(writer), shape_(shape), share_(share), fill_(fill), options_(options), next_(share.begin) {}

  std::vector<RejectedPhoto> run() {
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < std::max(1, options_.threads); ++i) workers.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
    return std::move(rejected_);
  }

 private:
  void work() {
    std::vector<std::uint8_t> pixels(shape_.bytes());
    try {
      for (std::size_t row = next_++; row < share_.end; row = next_++) {
        if (stop_signal_received())
          throw StopRequested("stopped on request before {} was whole; run it again", options_.out.string());
        make_row(row, pixels);
        options_.progress(++done_, share_.end - share_.begin);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = share_.end;
    }
  }

  void make_row(std::size_t row, std::vector<std::uint8_t>& pixels) {
    try {
      fill_(row, pixels);
    } catch (const BadPhoto& bad) {
      const std::lock_guard lock(mutex_);
      rejected_.push_back({row, bad.what()});
      return;
    }
    writer_.write(row, pixels);
  }

  CropWriter& writer_;
  const ImageShape shape_;
  const Share share_;
  const FillRow& fill_;
  const MakeCropsOptions& options_;
  std::atomic<std::size_t> next_, done_{0};
  std::mutex mutex_;  // of what follows
  std::vector<RejectedPhoto> rejected_;
  std::exception_ptr failure_;
};

// "ROW REASON" lines, there and back again.
std::vector<RejectedPhoto> gather_rejected(const std::vector<RejectedPhoto>& mine, const Ranks& ranks) {
  std::string text;
  for (const RejectedPhoto& photo : mine) {
    std::string reason = photo.reason;
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    text += fmt::format("{} {}\n", photo.row, reason);
  }
  std::vector<RejectedPhoto> all;
  for (const std::string& theirs : ranks.all_gather(text)) {
    std::istringstream lines(theirs);
    RejectedPhoto photo;
    while (lines >> photo.row && lines.ignore() && std::getline(lines, photo.reason)) all.push_back(photo);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  return all;
}

[[noreturn]] void throw_broken(const SampleTable& table, const std::vector<RejectedPhoto>& rejected,
                               const MakeCropsOptions& options) {
  std::string list;
  for (std::size_t i = 0; i < std::min(kListed, rejected.size()); ++i) {
    const auto& [row, reason] = rejected[i];
    list += fmt::format("\n  {}: id '{}', {}: {}", place_in(table, row), table.column("id")[row],
                        table.column("path")[row], reason);
  }
  if (rejected.size() > kListed) list += fmt::format("\n  … and {} more", rejected.size() - kListed);
  const char* remedy = options.skip_bad ? "expected at least one that can be used: is --images the right folder?"
                                        : "fix or drop them, or pass --skip-bad to leave them out";
  throw DataError("{} of {} photos cannot be used, {} is not written; {}{}", rejected.size(), table.rows(),
                  options.out.string(), remedy, list)
      .for_all_ranks();
}

void write_rejected(const SampleTable& table, const std::vector<RejectedPhoto>& rejected, const fs::path& path) {
  std::string text = "id,path,reason\n";
  for (const auto& [row, reason] : rejected) {
    text += fmt::format("{},{},{}\n", csv_field(table.column("id")[row]), csv_field(table.column("path")[row]),
                        csv_field(reason));
  }
  write_file(path, text);
}

}  // namespace

std::string place_in(const SampleTable& table, std::size_t row) {
  return row < table.lines.size() ? fmt::format("line {}", table.lines[row]) : fmt::format("row {}", row);
}

// Create, write, publish: rank 0 does the first and the last, and after each step all agree that it went well.
MadeCrops write_rows(const SampleTable& table, const ImageShape& shape, const Provenance& provenance,
                     const FillRow& fill, const MakeCropsOptions& options, const Ranks& ranks) {
  fs::path partial = options.out;
  partial += ".partial";
  MadeCrops made{.rows = table.rows(), .shape = shape};
  try {
    together(ranks, [&] {
      if (ranks.rank != 0) return;
      if (options.out.has_parent_path()) make_folder(options.out.parent_path());
      create_crops(partial, shape, table, provenance);
    });
    std::vector<RejectedPhoto> mine;
    together(ranks, [&] {
      CropWriter writer(partial);
      mine = ShareWriter(writer, shape, share_of(table.rows(), ranks), fill, options).run();
      writer.finish();
    });
    made.rejected = gather_rejected(mine, ranks);
    if (made.rejected.size() == table.rows() || (!made.rejected.empty() && !options.skip_bad)) {
      throw_broken(table, made.rejected, options);  // every rank knows all of them
    }
    together(ranks, [&] {
      if (ranks.rank != 0) return;
      // First the list: a crops file that is there is a finished one.
      if (options.skip_bad) write_rejected(table, made.rejected, options.out.parent_path() / "rejected.csv");
      fault_point("publish_crops");
      publish_file(partial, options.out);
    });
  } catch (...) {
    std::error_code ignored;
    if (ranks.rank == 0) fs::remove(partial, ignored);
    throw;
  }
  return made;
}

}  // namespace pleat
