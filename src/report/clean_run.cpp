#include "report/clean_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/lock_probe.h"
#include "base/run_log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "report/run_result.h"
#include "report/run_state.h"
#include "report/sweep_view.h"
#include "run/finished_job.h"
#include "run/memory_check.h"
#include "run/run_paths.h"
#include "sweep/sweep_paths.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

struct Removable {
  fs::path path;  // a folder of checkpoints, or a network's folder
  bool weights = false;
  std::uint64_t bytes = 0;
  std::string why;
};

std::vector<fs::path> network_folders(const fs::path& run) {
  std::vector<fs::path> folders;
  std::error_code failed;
  auto entry = fs::recursive_directory_iterator(run, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed))
    if (entry->path().filename() == kDoneFile) folders.push_back(entry->path().parent_path());
  if (failed) throw DataError("cannot list {}: {}", shown(run.string()), failed.message());
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The networks of the ensemble, relative to the run.
std::set<std::string> members_of(const RunPaths& paths) {
  std::set<std::string> members;
  const int round = read_result_round(paths.root);
  const fs::path file = paths.ensemble(round);
  try {
    const Json described = parse_json(read_file(file));
    for (const auto& [name, target] : described.at("targets").items()) {
      const Json list = target.value("members", Json::array());
      for (const Json& member : list) members.insert(member.at("folder").get<std::string>());
    }
  } catch (const Json::exception& error) {
    throw DataError("{} is damaged ({}); run pleat train again in that folder", shown(file.string()), error.what());
  }
  return members;
}

void add_checkpoints(const fs::path& network, std::vector<Removable>& found) {
  const fs::path resume = network / kResumeFolder;
  if (file_exists(resume))
    found.push_back({resume, false, size_of_folder(resume), "checkpoints of a network that is done"});
}

void add_weights(const fs::path& network, const std::string& why, std::vector<Removable>& found) {
  std::error_code missing;
  const auto bytes = fs::file_size(network / kWeightsFile, missing);
  if (!missing) found.push_back({network, true, bytes, why});
}

// done: the run is finished, and was not resumed for more rounds.
void find_in_run(const fs::path& run, bool done, std::vector<Removable>& found) {
  const RunPaths paths{run};
  const std::set<std::string> members = done ? members_of(paths) : std::set<std::string>();
  for (const fs::path& network : network_folders(run)) {
    add_checkpoints(network, found);
    const std::string name = network.lexically_relative(run).string();
    if (done && !members.contains(name)) add_weights(network, "not in the ensemble", found);
  }
}

void find_in_sweep(const fs::path& sweep, bool finished, std::vector<Removable>& found) {
  const auto source = find_sweep(sweep);
  const bool judged = finished && source && !source->best.empty();
  const fs::path best = judged ? source->best_run() : fs::path();
  for (const fs::path& network : network_folders(sweep)) {
    if (judged && lies_inside(network, best)) continue;
    add_checkpoints(network, found);
    const bool trial = network.lexically_relative(sweep).string().starts_with("trials/");  // not of ensemble/
    if (judged && trial) add_weights(network, "not the best cell", found);
  }
  if (judged) find_in_run(best, file_exists(RunPaths{best}.summary()), found);
}

// Keeps the time of done.json, by which state_of knows that the network is older than the result.
void release(const fs::path& network) {
  std::error_code ignored;
  const auto time = fs::last_write_time(network / kDoneFile, ignored);
  release_weights(network);
  fs::last_write_time(network / kDoneFile, time, ignored);
}

void remove(const std::vector<Removable>& found) {
  for (const Removable& each : found) {
    if (each.weights) {
      release(each.path);
      continue;
    }
    std::error_code failed;
    fs::remove_all(each.path, failed);
    if (failed) throw DataError("cannot remove {}: {}", shown(each.path.string()), failed.message());
  }
}

std::string listing(const fs::path& folder, const std::vector<Removable>& found, bool removed) {
  std::uint64_t bytes = 0;
  for (const Removable& each : found) bytes += each.bytes;
  if (found.empty()) return fmt::format("{}: nothing to free\n", shown(folder.string()));
  constexpr std::size_t kListed = 20;
  std::string text =
      fmt::format("{}: {} {}\n", shown(folder.string()), memory_text(double(bytes)), removed ? "freed" : "to free");
  for (std::size_t i = 0; i < std::min(kListed, found.size()); ++i) {
    const fs::path& path = found[i].path;
    const fs::path file = found[i].weights ? path / kWeightsFile : path;
    text += fmt::format("  {:>9}  {}  ({})\n", memory_text(double(found[i].bytes)),
                        shown(file.lexically_relative(folder).string(), 120), found[i].why);
  }
  if (found.size() > kListed) text += fmt::format("  and {} more\n", found.size() - kListed);
  return text;
}

void clean(const fs::path& folder, bool removes) {
  const auto state = state_of(folder);
  if (!state)
    throw DataError("{} is not the folder of a run or of a sweep; pleat runs lists them", shown(folder.string()));
  std::optional<FolderLock> lock;
  if (removes && state->kind != FolderKind::kEnsemble)
    lock.emplace(state->kind == FolderKind::kSweep ? SweepPaths{folder}.lock() : RunPaths{folder}.lock(),
                 LockOptions{.held = "", .remedy = "clean another folder"});
  const fs::path sweep = resolved_path(folder).parent_path().parent_path();  // of a trial
  if (is_locked(SweepPaths{sweep}.lock()))
    throw DataError("{} belongs to a live sweep; wait for it, or stop it", shown(folder.string()));
  if (state->state == RunState::kLive && !removes)
    throw DataError("{} is in use by a live run; wait for it, or stop it", shown(folder.string()));
  std::vector<Removable> found;
  if (state->kind == FolderKind::kSweep)
    find_in_sweep(folder, state->state == RunState::kDone || state->state == RunState::kFailed, found);
  else if (state->kind == FolderKind::kRun)
    find_in_run(folder, state->state == RunState::kDone, found);
  if (removes) remove(found);
  print_result(listing(folder, found, removes));
}

}  // namespace

void clean_runs(const CleanRequest& request) {
  for (const fs::path& run : request.runs) clean(run.has_filename() ? run : run.parent_path(), request.remove);
  if (!request.remove) print_result("nothing was removed; add --yes to free this\n");
}

}  // namespace pleat
