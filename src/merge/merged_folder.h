// The folder that pleat ensemble writes: a run folder without training. It is written beside its place and then put
// there, so that a failure or a kill leaves no half of it.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/files.h"
#include "run/run_paths.h"

namespace pleat {

class MergedFolder {
 public:
  /// Throws: UsageError if `out` is one of the runs, or inside one, or holds one; DataError if it holds anything but an
  /// earlier ensemble of runs, or if another pleat ensemble is writing it.
  MergedFolder(const std::filesystem::path& out, const std::vector<std::filesystem::path>& runs);
  /// Removes what was not published.
  ~MergedFolder();
  MergedFolder(const MergedFolder&) = delete;
  MergedFolder& operator=(const MergedFolder&) = delete;

  /// The place to write to.
  RunPaths paths() const { return {aside_}; }

  /// Adds a file of a run under this name: as a second link to the same bytes, or as a copy where the file system has
  /// no such links. No file of a run folder is ever changed in place.
  void add(const std::filesystem::path& from, const std::filesystem::path& name);

  /// Puts the folder in its place, and removes the earlier one.
  void publish();

 private:
  std::filesystem::path out_, aside_, earlier_;
  std::unique_ptr<FolderLock> lock_;
};

}  // namespace pleat
