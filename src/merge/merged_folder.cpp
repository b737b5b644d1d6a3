#include "merge/merged_folder.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <set>

#include "base/error.h"
#include "base/fields.h"
#include "base/stop_signal.h"
#include "base/utf8.h"
#include "inference/export_folder.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr const char *kAside = ".partial", *kEarlier = ".earlier";

using Names = std::set<std::string>;
const Names kEntries{"runs", "round_0", "folds.csv", "predictions.csv", "summary.json"};  // of an ensemble's folder

// Throws for an entry that is none of `known`.
void require_only(const fs::path& folder, const Names& known) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (known.contains(name)) continue;
    throw DataError(
        "{} holds more than an earlier ensemble of runs, which alone would be replaced (it has {}); give another --out",
        folder.string(), shown(name));
  }
  if (error) throw_file_error("list folder", folder, error.value());
}

// The names of the runs of an ensemble; none of another folder.
Names joined_runs(const fs::path& folder) {
  const fs::path file = RunPaths{folder}.ensemble(0);
  if (!file_exists(file)) return {};
  const Json json = parse_json_or_null(read_file(file));
  Names names;
  if (!json.is_object() || !json.contains("runs") || !json["runs"].is_array()) return {};
  for (const Json& run : json["runs"]) {
    if (run.is_object()) names.insert(run.value("name", ""));
  }
  return names;
}

// An earlier ensemble is replaced as a whole, so nothing else may be in its folder.
void require_replaceable_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() == fs::file_type::none) throw_file_error("look for", folder, error.value());
  if (!fs::is_directory(status)) throw DataError("{} is no folder; give another --out", folder.string());
  const Names runs = joined_runs(folder);
  if (runs.empty()) return require_only(folder, {});
  require_only(folder, kEntries);
  require_only(folder / "runs", runs);
}

// As above, or what a killed pleat ensemble left: it writes ensemble.json last.
void require_leftover(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder / "runs", ignored) || fs::exists(RunPaths{folder}.ensemble(0), ignored))
    return require_replaceable_folder(folder);
  require_only(folder, kEntries);
}

fs::path beside(const fs::path& out, const char* ending) {
  return out.parent_path() / ("." + out.filename().string() + ending);
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

void require_free(const fs::path& out, const MergeInputs& inputs) {
  const fs::path place = resolved_path(out);
  std::vector<fs::path> all = inputs.runs;
  all.insert(all.end(), inputs.files.begin(), inputs.files.end());
  for (const fs::path& input : all) {
    for (const fs::path& taken : {place, beside(place, kAside), beside(place, kEarlier)}) {
      if (lies_inside(input, taken) && resolved_path(input) != place)
        throw UsageError("{} is inside --out {} or a folder that it needs; give a folder elsewhere", input.string(),
                         out.string());
    }
  }
  for (const fs::path& run : inputs.runs) refuse_inside(out, run);
  require_replaceable_folder(place);
  for (const char* ending : {kAside, kEarlier}) require_leftover(beside(place, ending));
}

MergedFolder::MergedFolder(const fs::path& out, const MergeInputs& inputs)
    : out_(resolved_path(out)), aside_(beside(out_, kAside)), earlier_(beside(out_, kEarlier)) {
  require_free(out, inputs);
  make_folder(out_.parent_path());
  lock_ = std::make_unique<FolderLock>(beside(out_, ".lock"),
                                       LockOptions{out.string(), "give another folder with --out", /*temporary=*/true});
  if (fs::exists(earlier_) && !fs::exists(out_)) move_folder(earlier_, out_);  // a kill came between two moves
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

void MergedFolder::put_in_place() const {
  if (!fs::exists(out_)) return move_folder(aside_, out_);
  std::error_code ignored;
  fs::permissions(aside_, fs::status(out_).permissions(), ignored);
  if (::renameat2(AT_FDCWD, aside_.c_str(), AT_FDCWD, out_.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw_file_error("replace", out_, errno);
  // A file system that cannot exchange folders.
  remove_folder(earlier_);
  move_folder(out_, earlier_);
  fs::rename(aside_, out_, ignored);
  if (fs::exists(out_)) return;
  move_folder(earlier_, out_);
  throw DataError("cannot replace {}; give another folder with --out", out_.string());
}

void MergedFolder::publish() {
  require_replaceable_folder(out_);  // it may have changed since
  fault_point("publish_ensemble");
  put_in_place();
  sync_folder(out_);
  for (const fs::path& old : {aside_, earlier_}) {
    std::error_code error;
    fs::remove_all(old, error);
    if (error)
      spdlog::warn("the earlier ensemble is replaced, but {} cannot be removed ({}); remove it by hand", old.string(),
                   error.message());
  }
}

}  // namespace pleat
