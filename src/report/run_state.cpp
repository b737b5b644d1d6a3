#include "report/run_state.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/lock_probe.h"
#include "base/utf8.h"
#include "run/run_paths.h"
#include "sweep/sweep_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepest = 4;  // folders below the given one

void collect(const fs::path& folder, int depth, std::vector<RunFolderState>& found) {
  if (const auto state = state_of(folder)) {
    found.push_back(*state);
    return;
  }
  if (depth == kDeepest) return;
  std::error_code failed;
  std::vector<fs::path> folders;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    if (entry->is_directory(failed) && !entry->is_symlink(failed)) folders.push_back(entry->path());
  }
  std::sort(folders.begin(), folders.end());
  for (const fs::path& each : folders) collect(each, depth + 1, found);
}

// A run that was resumed after its end, for more rounds or folds, has networks that are newer than its result.
bool has_newer_network(const fs::path& folder, const fs::path& result) {
  std::error_code failed;
  const auto end = fs::last_write_time(result, failed);
  auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    if (entry->path().filename() == kDoneFile && entry->last_write_time(failed) > end) return true;
  }
  return false;
}

RunState finished_state(const fs::path& result, const fs::path& failures) {
  if (!file_exists(result)) return RunState::kStopped;
  return file_exists(failures) ? RunState::kFailed : RunState::kDone;
}

}  // namespace

std::optional<RunFolderState> state_of(const fs::path& folder) {
  const RunPaths run{folder};
  const SweepPaths sweep{folder};
  RunFolderState found{.folder = folder};
  if (file_exists(sweep.sweep())) {
    found.kind = FolderKind::kSweep;
    found.state = is_locked(sweep.lock()) ? RunState::kLive : finished_state(sweep.table(), sweep.failures());
    return found;
  }
  if (file_exists(run.config())) {
    found.state = is_locked(run.lock()) ? RunState::kLive : finished_state(run.summary(), run.failures());
    if (found.state == RunState::kDone && has_newer_network(folder, run.summary())) found.state = RunState::kStopped;
    return found;
  }
  if (!file_exists(run.summary()) || !file_exists(run.ensemble(0))) return std::nullopt;
  found.kind = FolderKind::kEnsemble;
  found.state = RunState::kDone;
  return found;
}

std::vector<RunFolderState> folders_at(const fs::path& folder) {
  const fs::path given = folder.has_filename() ? folder : folder.parent_path();
  if (!file_exists(given)) throw DataError("no such folder: {}; give a folder of runs", shown(given.string()));
  std::error_code none;
  if (!fs::is_directory(given, none)) throw DataError("{} is a file; give a folder of runs", shown(given.string()));
  std::vector<RunFolderState> found;
  collect(given, 0, found);
  return found;
}

const char* name_of(FolderKind kind) {
  return kind == FolderKind::kRun ? "run" : kind == FolderKind::kSweep ? "sweep" : "ensemble";
}

const char* name_of(RunState state) {
  switch (state) {
    case RunState::kLive:
      return "live";
    case RunState::kStopped:
      return "stopped";
    case RunState::kDone:
      return "done";
    case RunState::kFailed:
      return "failed";
  }
  return "";
}

std::uint64_t size_of_folder(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  std::error_code failed;
  auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    struct stat about {};
    if (::lstat(entry->path().c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    if (seen.emplace(about.st_dev, about.st_ino).second) bytes += static_cast<std::uint64_t>(about.st_size);
  }
  return bytes;
}

}  // namespace pleat
