// Everything that a run is told, as one value; the YAML file, --set, the resolved config.yaml and docs/config.md come
// from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "cluster/cluster_config.h"
#include "folds/fold_plan.h"
#include "model/classifier.h"
#include "target/joint_target.h"
#include "target/target.h"
#include "train/predict_config.h"
#include "train/train_config.h"

namespace pleat {

struct DataConfig {
  std::string crops;
  std::string group;
  std::optional<std::int64_t> limit;
  std::vector<double> mean, std;
  static constexpr auto fields() {
    return std::tuple{
        field("crops", &DataConfig::crops, any(), runtime,
              "crops file made by pleat prepare; relative to the working folder"),
        field("group", &DataConfig::group, any(), identity,
              "column whose equal values (one person, say) must stay on one side of every fold; none: each row on its "
              "own"),
        field("limit", &DataConfig::limit, at_least(1), identity,
              "use a seeded, stratified part of this many train rows"),
        field("mean", &DataConfig::mean, between(0, 1), identity,
              "pixel mean per channel (0 to 1); default: measured on the train rows"),
        field("std", &DataConfig::std, above(0), identity, "pixel standard deviation per channel; default: measured")};
  }
};

struct RunConfig {
  std::int64_t seed = 42;
  DataConfig data;
  std::vector<TargetConfig> targets;
  std::string targets_as = "separate";
  JointConfig joint;
  std::string score = "macro_f1";
  FoldConfig folds;
  std::vector<ModelConfig> models;
  TrainConfig train;
  PredictConfig predict;
  ClusterConfig cluster;
  static constexpr auto fields() {
    return std::tuple{field("seed", &RunConfig::seed, at_least(0), identity, "every random number is a function of it"),
                      field("data", &RunConfig::data, any(), identity, "what is trained on"),
                      field("targets", &RunConfig::targets, any(), identity, "what is to be told from an image"),
                      field("targets_as", &RunConfig::targets_as, one_of("separate", "joint", "heads"), identity,
                            "separate: a model for each target and fold; joint: one model for all targets, trained on "
                            "the classes that they make together; heads: one model with a head for each target"),
                      field("joint", &RunConfig::joint, any(), identity,
                            "a target that combines others: its probabilities are the product of theirs, or with "
                            "targets_as: joint its own, and theirs are its sums"),
                      field("score", &RunConfig::score, one_of("macro_f1", "accuracy", "log_loss"), identity,
                            "the figure that runs are judged by; macro_f1 is the mean over the classes that are "
                            "labelled or predicted, as "
                            "scikit-learn has it"),
                      field("folds", &RunConfig::folds, any(), identity, "cross-validation"),
                      field("models", &RunConfig::models, any(), identity, "networks; all of them enter the ensemble"),
                      field("train", &RunConfig::train, any(), identity, "how each is trained"),
                      field("predict", &RunConfig::predict, any(), identity, "how each predicts"),
                      field("cluster", &RunConfig::cluster, any(), identity, "ranks and devices")};
  }
};

/// Reads the file, applies the --set assignments, checks what single bounds cannot. Throws UsageError naming file:line
/// or key.
RunConfig load_run_config(const std::filesystem::path& file, const std::vector<std::string>& assignments);

/// The part after reading: defaults that depend on other fields, and combinations that cannot be.
void complete_and_check(RunConfig& config);

/// docs/config.md: one table row per field.
std::string config_reference();

}  // namespace pleat
