#include "merge/merged_folder.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/fields.h"
#include "base/stop_signal.h"
#include "base/utf8.h"
#include "inference/export_folder.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::array kEntries{"runs", "round_0", "folds.csv", "predictions.csv", "summary.json"};

bool is_merged(const fs::path& folder) {
  const fs::path file = RunPaths{folder}.ensemble(0);
  if (!file_exists(file)) return false;
  const Json json = parse_json_or_null(read_file(file));
  return json.is_object() && json.contains("runs");
}

// An earlier ensemble is replaced as a whole, so nothing else may be in its folder.
void require_replaceable_folder(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() == fs::file_type::none) throw_file_error("look for", out, error.value());
  if (!fs::is_directory(status)) throw DataError("--out {} is a file; give a folder", out.string());
  const bool merged = is_merged(out);
  fs::directory_iterator entry(out, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (merged && std::find(kEntries.begin(), kEntries.end(), name) != kEntries.end()) continue;
    throw DataError(
        "--out {} {} (it has {}); give another folder", out.string(),
        merged ? "holds an earlier ensemble and more" : "is not empty and holds no earlier ensemble of runs",
        shown(name));
  }
  if (error) throw_file_error("list folder", out, error.value());
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) throw_file_error("remove", folder, error.value());
}

void move_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw_file_error("move", from, error.value());
}

}  // namespace

void require_free(const fs::path& out, const std::vector<fs::path>& read) {
  for (const fs::path& each : read) {
    refuse_inside(out, each);
    if (lies_inside(each, out))
      throw UsageError("{} is inside --out {}; give a folder elsewhere", each.string(), out.string());
  }
  require_replaceable_folder(resolved_path(out));
}

MergedFolder::MergedFolder(const fs::path& out, const std::vector<fs::path>& read) : out_(resolved_path(out)) {
  require_free(out, read);
  const std::string name = out_.filename().string();
  aside_ = out_.parent_path() / ("." + name + ".partial");
  earlier_ = out_.parent_path() / ("." + name + ".earlier");
  make_folder(out_.parent_path());
  lock_ = std::make_unique<FolderLock>(out_.parent_path() / ("." + name + ".lock"),
                                       LockOptions{out.string(), "give another folder with --out", /*temporary=*/true});
  if (fs::exists(earlier_) && !fs::exists(out_)) move_folder(earlier_, out_);  // a kill came between the two moves
  remove_folder(aside_);
  make_folder(aside_);
}

MergedFolder::~MergedFolder() {
  std::error_code ignored;
  fs::remove_all(aside_, ignored);
}

void MergedFolder::link(const fs::path& from, const fs::path& name) {
  fault_point("link_network");
  if (stop_signal_received()) throw StopRequested("stopped on request; nothing was written");
  const fs::path to = aside_ / name;
  make_folder(to.parent_path());
  std::error_code error;
  fs::create_hard_link(resolved_path(from), to, error);
  if (error) write_file(to, read_file(from));
}

void MergedFolder::copy(const fs::path& from, const fs::path& name) {
  make_folder((aside_ / name).parent_path());
  write_file(aside_ / name, read_file(from));
}

void MergedFolder::publish() {
  require_replaceable_folder(out_);  // it may have changed since
  remove_folder(earlier_);
  const bool replaces = fs::exists(out_);
  if (replaces) move_folder(out_, earlier_);
  try {
    fault_point("publish_ensemble");
    move_folder(aside_, out_);
  } catch (...) {
    std::error_code ignored;
    if (replaces) fs::rename(earlier_, out_, ignored);
    throw;
  }
  sync_folder(out_);
  remove_folder(earlier_);
}

}  // namespace pleat
