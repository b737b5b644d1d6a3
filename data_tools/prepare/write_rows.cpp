#include "data_tools/prepare/write_rows.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/side_file.h"
#include "base/stop_signal.h"
#include "base/utf8.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRejectedHeader = "id,path,reason\n";
constexpr std::size_t kListed = 20;    // broken photos named in the error
constexpr std::size_t kReason = 1000;  // bytes of a reason

const fs::path& result_of(const MakeCropsOptions& options) {
  return options.result.empty() ? options.out : options.result;
}

// This rank's block of rows. One host writes neighbours in the file, as network file systems require.
struct Share {
  std::size_t begin, end;
};

Share share_of(std::size_t rows, const Ranks& ranks) {
  const auto cut = [&](int rank) {
    return rows * static_cast<std::size_t>(rank) / static_cast<std::size_t>(ranks.size);
  };
  return {cut(ranks.rank), cut(ranks.rank + 1)};
}

// Workers take one row at a time. The first error other than a broken photo stops all workers.
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
          throw StopRequested("stopped on request before {} was complete; run it again", result_of(options_).string());
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
  std::mutex mutex_;  // guards the members below
  std::vector<RejectedPhoto> rejected_;
  std::exception_ptr failure_;
};

// Returns all ranks' photos, sorted by row. A reason becomes one line, for the list of rejected photos.
std::vector<RejectedPhoto> gather_rejected(const std::vector<RejectedPhoto>& mine, const Ranks& ranks) {
  std::vector<RejectedPhoto> all;
  for (const std::vector<RejectedPhoto>& theirs : gather(ranks, mine))
    all.insert(all.end(), theirs.begin(), theirs.end());
  for (RejectedPhoto& photo : all) std::replace(photo.reason.begin(), photo.reason.end(), '\n', ' ');
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  return all;
}

// The place of a row without the file's name, for the lines of a list.
std::string place_in(const SampleTable& table, std::size_t row) {
  return row < table.lines.size() ? fmt::format("line {}", table.lines[row]) : fmt::format("row {}", row);
}

[[noreturn]] void throw_broken(const SampleTable& table, const std::vector<RejectedPhoto>& rejected,
                               const std::string& advice, const MakeCropsOptions& options) {
  std::string list;
  for (std::size_t i = 0; i < std::min(kListed, rejected.size()); ++i) {
    const auto& [row, reason] = rejected[i];
    list += fmt::format("\n  {}: id '{}', {}: {}", place_in(table, row), shown(table.column("id")[row]),
                        shown(table.column("path")[row]), shown(reason, kReason));
  }
  if (rejected.size() > kListed) list += fmt::format("\n  … and {} more", rejected.size() - kListed);
  if (!advice.empty()) list += "\n  " + advice;
  const char* remedy = options.skip_bad ? "expected at least one that can be used: is --images the right folder?"
                                        : "fix or drop them, or pass --skip-bad to leave them out";
  throw DataError("{} of {} photos cannot be used, {} is not written; {}{}", rejected.size(), table.rows(),
                  result_of(options).string(), remedy, list)
      .for_all_ranks();
}

void write_rejected(const SampleTable& table, const std::vector<RejectedPhoto>& rejected, const fs::path& path) {
  std::string text = kRejectedHeader;
  for (const auto& [row, reason] : rejected) {
    text += fmt::format("{},{},{}\n", csv_field(table.column("id")[row]), csv_field(table.column("path")[row]),
                        csv_field(reason));
  }
  write_file(path, text);
}

// Lengths precede the texts, so that different tables have different hashes.
std::string hash_of(const SampleTable& table) {
  std::string text;
  const auto add = [&text](const std::string& value) { text += fmt::format("{}:{}", value.size(), value); };
  for (std::size_t i = 0; i < table.names.size(); ++i) {
    add(table.names[i]);
    for (const std::string& value : table.values[i]) add(value);
  }
  return sha256(text);
}

// Facts that ranks must agree on before they write one file. The lock names rank 0's host and process. A rank that
// reads something else there sees another folder of the same name, for example on a local disk.
struct Witness {
  std::string host, lock, table, provenance;
  static constexpr auto members() {
    return std::tuple{&Witness::host, &Witness::lock, &Witness::table, &Witness::provenance};
  }
};

Witness witness(const fs::path& lock, const SampleTable& table, const Provenance& provenance) {
  Witness mine{.host = machine_name(), .table = hash_of(table)};
  try {
    mine.lock = read_file(lock);
  } catch (const DataError&) {  // missing: check_witnesses reports it
  }
  for (const auto& [name, value] : provenance) mine.provenance += fmt::format("{} {}, ", name, value);
  return mine;
}

void check_witnesses(const Witness& mine, const fs::path& out, const Ranks& ranks) {
  const std::vector<Witness> all = gather(ranks, mine);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const std::string who = fmt::format("rank {} on host {}", rank, all[rank].host);
    if (all[rank].lock != all[0].lock) {
      throw DataError("{} does not see the folder of {} that rank 0 on host {} sees; give all ranks one shared folder",
                      who, out.string(), all[0].host)
          .for_all_ranks();
    }
    if (all[rank].table != all[0].table) {
      throw DataError("{} read another table than rank 0 on host {}; give all ranks the same --table or IDX files", who,
                      all[0].host)
          .for_all_ranks();
    }
    if (all[rank].provenance != all[0].provenance) {
      throw DataError("{} would make crops by {}but rank 0 on host {} by {}use one program and one OpenCV on all hosts",
                      who, all[rank].provenance, all[0].host, all[0].provenance)
          .for_all_ranks();
    }
  }
}

// Detects a rank that wrote to another file, and a file system that lost a write.
void check_whole(const fs::path& partial, const MadeCrops& made) {
  const std::size_t expected = made.rows - made.rejected.size(), found = count_valid(partial);
  if (found != expected) {
    throw DataError("{} holds {} rows after {} were written; do all ranks see the same file system?", partial.string(),
                    found, expected);
  }
}

// Removes only a list of an earlier prepare. A file of the user's with the same name stays.
void remove_old_list(const fs::path& list) {
  std::ifstream file(list);
  std::string header;
  std::error_code ignored;
  if (std::getline(file, header) && header + "\n" == kRejectedHeader) fs::remove(list, ignored);
}

// Writes the list first: an existing crops file means that everything is finished. If no photo was rejected, an older
// list is removed.
void publish(const SampleTable& table, const MadeCrops& made, const fs::path& partial,
             const MakeCropsOptions& options) {
  check_whole(partial, made);
  const fs::path list = rejected_list(options);
  if (!made.rejected.empty()) write_rejected(table, made.rejected, list);
  fault_point("publish_crops");
  publish_file(partial, options.out);
  if (made.rejected.empty()) remove_old_list(list);
}

}  // namespace

fs::path rejected_list(const MakeCropsOptions& options) { return side_file(result_of(options), "rejected.csv"); }

// Create, write, publish. Rank 0 creates and publishes. After each step all ranks agree that the step succeeded.
MadeCrops write_rows(const SampleTable& table, const ImageShape& shape, const Provenance& provenance,
                     const FillRow& fill, const MakeCropsOptions& options, const Ranks& ranks, const Advise& advise) {
  const fs::path partial = options.out.string() + ".partial", lock_file = options.out.string() + ".lock";
  std::optional<FolderLock> lock;
  MadeCrops made{.rows = table.rows(), .shape = shape};
  try {
    on_rank_0(ranks, [&] {
      require_replaceable(options.out, "\x89HDF\r\n\x1a\n", "crops file", options.read);
      if (options.skip_bad)
        require_replaceable(rejected_list(options), kRejectedHeader, "list of rejected photos", options.read);
      if (options.out.has_parent_path()) make_folder(options.out.parent_path());
      lock.emplace(lock_file, LockOptions{result_of(options).string(), "give another file with --out", true});
      create_crops(partial, shape, table, provenance);
    });
    if (ranks.size > 1) check_witnesses(witness(lock_file, table, provenance), options.out, ranks);
    std::vector<RejectedPhoto> mine;
    together(ranks, [&] {
      CropWriter writer(partial);
      mine = ShareWriter(writer, shape, share_of(table.rows(), ranks), fill, options).run();
      writer.finish();
    });
    made.rejected = gather_rejected(mine, ranks);
    if (!made.rejected.empty()) on_rank_0(ranks, [&] { made.advice = advise(made.rejected); });
    if (made.rejected.size() == table.rows() || (!made.rejected.empty() && !options.skip_bad)) {
      throw_broken(table, made.rejected, made.advice, options);  // on every rank; rank 0's has the advice
    }
    on_rank_0(ranks, [&] { publish(table, made, partial, options); });
  } catch (...) {
    std::error_code ignored;
    if (lock) fs::remove(partial, ignored);  // rank 0 only; without the lock the file is another run's
    throw;
  }
  return made;
}

}  // namespace pleat
