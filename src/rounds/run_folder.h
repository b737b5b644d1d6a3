// A run's folder: every file name in one place, its lock, and whether a run may go on in it. Formats: docs/formats.md.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "rounds/run_config.h"

namespace pleat {

/// The names, for anyone; nothing is opened.
struct RunPaths {
  std::filesystem::path root;

  std::filesystem::path lock() const { return root / "run.lock"; }
  std::filesystem::path config() const { return root / "config.yaml"; }
  std::filesystem::path run() const { return root / "run.json"; }
  std::filesystem::path conv_plan() const { return root / "conv_plan.json"; }
  std::filesystem::path folds() const { return root / "folds.csv"; }
  std::filesystem::path summary() const { return root / "summary.json"; }
  std::filesystem::path predictions() const { return root / "predictions.csv"; }
  std::filesystem::path time() const { return root / "time.json"; }
  std::filesystem::path failures() const { return root / "failures.json"; }
  std::filesystem::path find_lr() const { return root / "find_lr"; }
  /// The run's own copy of a scripted model's network.
  std::filesystem::path script(const std::string& model) const { return root / "models" / (model + ".pt"); }
  std::filesystem::path round() const { return root / "round_0"; }
  std::filesystem::path oof() const { return round() / "oof.h5"; }
  std::filesystem::path ensemble() const { return round() / "ensemble.json"; }
  std::filesystem::path fold(const std::string& target, const std::string& model, FoldId id) const {
    return round() / target / model / fmt::format("fold_{}", id.value);
  }
};
inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr const char* kPredictionsFile = "predictions.safetensors";
inline constexpr const char* kDoneFile = "done.json";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kResumeFolder = "resume";

/// Throws DataError with the system's reason if that cannot be told (no permission, a name too long).
bool file_exists(const std::filesystem::path& path);

/// True if the folder holds a run that may go on with these settings and data; false if it is free for a new one (not
/// there, empty, or left by a run that ended within its first writes). Reads only. Takes over what the earlier run
/// chose for `auto` fields that determine results (precision). Throws DataError if it is no run folder although not
/// empty, or its data is not `data_hash`; UsageError naming every field that determines results and differs.
bool continues_run(const RunPaths& paths, RunConfig& config, const std::string& data_hash);

/// The folder as rank 0 holds it while a run is live.
class RunFolder {
 public:
  /// Creates or continues, as continues_run says. Throws what it throws, and DataError if another live run holds it.
  RunFolder(const RunPaths& paths, RunConfig& config, const std::string& data_hash);

  const RunPaths& paths() const { return paths_; }
  bool continued() const { return continued_; }
  /// Writes config.yaml (if new) and run.json (always: where and how this run computes).
  void record(const RunConfig& config, const Json& run_facts) const;

 private:
  RunPaths paths_;
  bool continued_ = false;
  std::unique_ptr<FolderLock> lock_;
};

}  // namespace pleat
