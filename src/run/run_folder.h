// A run's folder: whether a run may resume in it, its lock, and its record.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "run/run_config.h"
#include "run/run_paths.h"
#include "run/run_record.h"

namespace pleat {

/// The run that a folder holds.
struct EarlierRun {
  RunConfig config;
  RunRecord record;
};

/// Returns the folder's run, if this config and data may resume it. Returns none if the folder is free for a new run:
/// missing, empty, or left by a run that ended within its first writes. Reads only. `train.precision: auto` agrees with
/// any earlier choice.
/// Throws: DataError if the folder holds other files but no run, a damaged run.json, or a run on other data than
/// `data_hash`; UsageError naming every identity field that differs.
std::optional<EarlierRun> find_earlier_run(const RunPaths& paths, const RunConfig& config,
                                           const std::string& data_hash);

/// Rank 0's hold on the folder of a live run.
class RunFolder {
 public:
  /// Creates the folder or resumes its run. Throws: as find_earlier_run; DataError if another live run holds the
  /// folder.
  RunFolder(const RunPaths& paths, const RunConfig& config, const std::string& data_hash);

  const RunPaths& paths() const { return paths_; }
  /// True if the folder held a run already.
  bool resumed() const { return resumed_; }
  /// Writes run.json, and config.yaml if it is new.
  void record(const RunConfig& config, const RunRecord& record) const;

 private:
  RunPaths paths_;
  bool resumed_ = false;
  std::unique_ptr<FolderLock> lock_;
};

}  // namespace pleat
