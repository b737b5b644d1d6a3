// The whole config of a run. The fields here define the keys of the YAML file and --set, the resolved config.yaml and
// docs/config.md.
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
#include "model/model_config.h"
#include "run/rounds_config.h"
#include "run/sweep_config.h"
#include "target/joint_target.h"
#include "target/target.h"
#include "train/predict_config.h"
#include "train/train_config.h"

namespace pleat {

struct DataConfig {
  std::string crops;
  std::string group;
  std::optional<std::int64_t> limit;
  std::string rest = "leave_out";
  std::string same_text = "check";
  std::string duplicates = "warn";
  std::vector<double> mean, std;
  static constexpr auto fields() {
    return std::tuple{
        field("crops", &DataConfig::crops, any(), runtime,
              "crops file made by pleat prepare; relative to the working folder"),
        field("group", &DataConfig::group, any(), identity,
              "column whose rows with equal values (one person, for example) stay on one side of every fold; none: no "
              "groups"),
        field("same_text", &DataConfig::same_text, one_of("check", "strict"), runtime,
              "check: refuse groups, and warn of classes, that differ only in case, blanks, invisible characters, "
              "Unicode form or the spelling of a decimal number; strict: each spelling is a separate value"),
        field("duplicates", &DataConfig::duplicates, one_of("warn", "together", "drop"), omit_at_default,
              "rows that show the same photo. warn: say so if folds or splits may separate them; together: join their "
              "groups, so that no fold separates them; drop: leave one of them in the train rows, and none if their "
              "labels differ or a test row shows the photo. together and drop also leave out unlabelled rows that show "
              "the photo of a train or test row"),
        field("limit", &DataConfig::limit, at_least(1), identity,
              "train on a seeded, stratified part of at most this many train rows"),
        field(
            "rest", &DataConfig::rest, one_of("leave_out", "unlabelled"), omit_at_default,
            "with limit, the other train rows. leave_out: they take no part; unlabelled: they count as unlabelled rows "
            "(rounds), and their labels are not used"),
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
  std::string ensemble = "auto";
  RoundsConfig rounds;
  TrainConfig train;
  PredictConfig predict;
  ClusterConfig cluster;
  SweepConfig sweep;
  bool report = true;
  static constexpr auto fields() {
    return std::tuple{
        field("seed", &RunConfig::seed, at_least(0), identity, "every random number depends on it"),
        field("data", &RunConfig::data, any(), identity, "training data"),
        field("targets", &RunConfig::targets, any(), identity, "labels to predict from an image"),
        field("targets_as", &RunConfig::targets_as, one_of("separate", "joint", "heads"), identity,
              "separate: a model for each target and fold; joint: one model for all targets, trained on "
              "the combinations of their classes; heads: one model with a head for each target"),
        field("joint", &RunConfig::joint, any(), identity,
              "a target that combines others: its probabilities are the product of the others' "
              "probabilities; with targets_as: joint it is predicted directly, and the others' "
              "probabilities are sums over it"),
        field("score", &RunConfig::score, one_of("macro_f1", "accuracy", "log_loss"), identity,
              "the main score; macro_f1 is the mean over the classes that are labelled or predicted, as "
              "in scikit-learn"),
        field("folds", &RunConfig::folds, any(), identity, "cross-validation"),
        field("models", &RunConfig::models, any(), identity, "networks; the ensemble is chosen among them"),
        field("ensemble", &RunConfig::ensemble, one_of("auto", "mean", "best", "greedy", "stack"), omit_at_default,
              "how the models' predictions become one. mean: equal weights; best: the model with the "
              "best score alone; greedy: weights by greedy selection; stack: a logistic regression on "
              "their log-probabilities; auto: the one with the best cross-fitted score"),
        field("rounds", &RunConfig::rounds, any(), omit_at_default, "rounds of pseudo-labels"),
        field("train", &RunConfig::train, any(), identity, "training of each network"),
        field("predict", &RunConfig::predict, any(), identity, "prediction of each network"),
        field("cluster", &RunConfig::cluster, any(), identity, "ranks and devices"),
        field("sweep", &RunConfig::sweep, any(), runtime, "pleat sweep: its strategy, and the weights that it keeps"),
        field("report", &RunConfig::report, any(), runtime,
              "at the end of a run or a sweep, write report.html and report.md (pleat report)")};
  }
};

// Compiled once, in run_config.cpp.
extern template RunConfig read_fields<RunConfig>(const ConfigNode& node);
extern template Json to_json<RunConfig>(const RunConfig& config);
extern template Json identity_of<RunConfig>(const RunConfig& config);

/// Reads the file, applies the --set assignments, and checks the combination of values. Throws UsageError naming
/// file:line or key.
RunConfig load_run_config(const std::filesystem::path& file, const std::vector<std::string>& assignments);

/// The two steps of load_run_config: the file with its assignments as a tree, and the config of a tree.
ConfigNode load_config_tree(const std::filesystem::path& file, const std::vector<std::string>& assignments);
RunConfig config_of(const ConfigNode& tree);

/// Called after reading: sets defaults that depend on other fields. Throws UsageError for impossible combinations.
void complete_and_check(RunConfig& config);

/// Returns the text of docs/config.md: one table row per field.
std::string config_reference();

/// The letters of a name that becomes a folder's.
inline constexpr const char* kFolderNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

/// Throws: UsageError if the name cannot be a folder's: other letters, a '.' at the start, or too long.
///   what: what is named, for the error
void check_folder_name(const std::string& what, const std::string& name);

}  // namespace pleat
