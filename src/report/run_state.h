// Kind and state of a folder: a run, a sweep or an ensemble of runs; live, stopped, done or failed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pleat {

enum class FolderKind { kRun, kSweep, kEnsemble };

/// kLive: a process works in it. kStopped: not finished. kFailed: finished, but some networks failed.
enum class RunState { kLive, kStopped, kDone, kFailed };

struct RunFolderState {
  std::filesystem::path folder;
  FolderKind kind = FolderKind::kRun;
  RunState state = RunState::kStopped;
};

/// None if the folder holds none of them.
std::optional<RunFolderState> state_of(const std::filesystem::path& folder);

/// The folder itself, or the runs, sweeps and ensembles in it and in folders of it that are none, by path.
std::vector<RunFolderState> folders_at(const std::filesystem::path& folder);

const char* name_of(FolderKind kind);
const char* name_of(RunState state);

/// Bytes of all files in it. A file with several names in the folder counts once; entries that cannot be read count
/// nothing.
std::uint64_t size_of_folder(const std::filesystem::path& folder);

}  // namespace pleat
