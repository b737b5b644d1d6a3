// The folder that pleat ensemble writes: a run folder without training. It is written beside its place and then put
// there, so that a failure or a kill leaves no half of it.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/files.h"
#include "run/run_paths.h"

namespace pleat {

/// What an ensemble is made of.
struct MergeInputs {
  std::vector<std::filesystem::path> runs, files;
};

/// Writes nothing.
/// Throws: UsageError if `out` is or holds one of the inputs, or lies in a run; DataError if `out`, or a folder beside
/// it that MergedFolder needs, holds anything but an earlier ensemble of runs.
void require_free(const std::filesystem::path& out, const MergeInputs& inputs);

class MergedFolder {
 public:
  /// Throws: as require_free; DataError if another pleat ensemble is writing `out`, or if it cannot be written.
  MergedFolder(const std::filesystem::path& out, const MergeInputs& inputs);
  /// Removes what was not published.
  ~MergedFolder();
  MergedFolder(const MergedFolder&) = delete;
  MergedFolder& operator=(const MergedFolder&) = delete;

  /// The place to write to.
  RunPaths paths() const { return {aside_}; }

  /// Adds a file of a run under this name: as a second link to the same bytes, or as a copy where the file system has
  /// no such links. For files that nobody changes in place. Throws StopRequested.
  void link(const std::filesystem::path& from, const std::filesystem::path& name);
  /// Adds a copy. For files that people may edit.
  void copy(const std::filesystem::path& from, const std::filesystem::path& name);

  /// Puts the folder in its place, in one step where the system can exchange folders, and removes the earlier one. If
  /// that fails, the earlier one stays.
  void publish();

 private:
  void put_in_place() const;

  std::filesystem::path out_, aside_, earlier_;
  std::unique_ptr<FolderLock> lock_;
};

}  // namespace pleat
