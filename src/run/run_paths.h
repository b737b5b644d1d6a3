// The names of all files in a run folder. Opens nothing. Formats: docs/formats.md.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "folds/fold_plan.h"

namespace pleat {

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
  std::filesystem::path log() const { return root / "run.log"; }
  std::filesystem::path failures() const { return root / "failures.json"; }
  std::filesystem::path find_lr() const { return root / "find_lr"; }
  /// The run's own copy of a scripted model's network.
  std::filesystem::path script(const std::string& model) const { return root / "models" / (model + ".pt"); }
  std::filesystem::path round(int index) const { return root / fmt::format("round_{}", index); }
  std::filesystem::path oof(int round_index) const { return round(round_index) / "oof.h5"; }
  std::filesystem::path ensemble(int round_index) const { return round(round_index) / "ensemble.json"; }
  std::filesystem::path pseudo_labels(int round_index) const { return round(round_index) / "pseudo_labels.csv"; }
  /// A run that pleat ensemble joined, in the ensemble's folder.
  RunPaths joined_run(const std::string& name) const { return {root / "runs" / name}; }
  /// `part`: with rounds.parts, the student's part; -1: the fold's only model.
  std::filesystem::path fold(int round_index, const std::string& unit, const std::string& model, FoldId id,
                             int part = -1) const {
    const std::string folder = fmt::format("fold_{}", id.value);
    return round(round_index) / unit / model / (part < 0 ? folder : fmt::format("{}_part_{}", folder, part));
  }
  /// Of train.labels: auto: the network that judges two folds, and what it led to.
  std::filesystem::path judge(const std::string& unit, FoldId one, FoldId other) const {
    return root / "judges" / unit / fmt::format("folds_{}_{}", one.value, other.value);
  }
  /// Of folds.trunks: the training that these folds' networks continue.
  std::filesystem::path trunk(const std::string& unit, const std::string& model, FoldId first, FoldId last) const {
    return root / "trunks" / unit / model / fmt::format("folds_{}_to_{}", first.value, last.value);
  }
  std::filesystem::path label_edits() const { return root / "label_edits.csv"; }
};
inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr const char* kStateFile = "state.safetensors";  // of a trunk
inline constexpr const char* kPredictionsFile = "predictions.safetensors";
inline constexpr const char* kDoneFile = "done.json";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kResumeFolder = "resume";

}  // namespace pleat
