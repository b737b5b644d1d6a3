#include "run/plan_warnings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "target/bin_reach.h"

namespace pleat {

std::vector<std::string> idle_options(const RunConfig& config) {
  const TrainConfig &train = config.train, defaults;
  std::vector<std::string> lines;
  const auto add = [&](bool idle, const char* key, const auto& value, const auto& usual, const char* beside) {
    if (idle && value != usual)
      lines.push_back(fmt::format("{} ({}) has no effect with {}; leave it out", key, value, beside));
  };
  const auto& ops = train.augment.randaugment;
  const ProgressiveConfig& growing = train.progressive;
  add(train.optimizer == "sgd", "train.beta2", train.beta2, defaults.beta2, "train.optimizer: sgd");
  add(ops.ops == 0, "train.augment.randaugment.magnitude", ops.magnitude, defaults.augment.randaugment.magnitude,
      "train.augment.randaugment.ops: 0");
  add(growing.from == 0, "train.progressive.delay", growing.delay, defaults.progressive.delay,
      "train.progressive.from: 0");
  add(growing.from == 0, "train.progressive.until", growing.until, defaults.progressive.until,
      "train.progressive.from: 0");
  add(train.keep != "best" && !config.predict.temperature, "train.inner_share", train.inner_share, defaults.inner_share,
      "train.keep: last");
  const auto all_models = [&](const auto& has) { return std::all_of(config.models.begin(), config.models.end(), has); };
  add(all_models([](const ModelConfig& model) { return model.lr.value.has_value(); }), "train.lr", train.lr,
      defaults.lr, "models[].lr of every model");
  if (!config.data.mean.empty() && all_models([](const ModelConfig& model) { return !model.mean.empty(); }))
    lines.emplace_back("data.mean and data.std have no effect with models[].mean of every model; leave them out");
  if (!config.folds.file.empty() && !config.folds.stratify.empty())
    lines.push_back(
        fmt::format("folds.stratify ({}) has no effect with folds.file, which already defines the folds; leave it out",
                    fmt::join(config.folds.stratify, ", ")));
  for (const ModelConfig& model : config.models) {
    if (train.freeze_epochs > 0 && model.weights.empty() && model.script.empty())
      lines.push_back(
          fmt::format("model {} starts from random weights, and train.freeze_epochs ({}) would freeze all but the last "
                      "layer at them; set models[].weights, or leave freeze_epochs out",
                      model.id, train.freeze_epochs));
  }
  return lines;
}

std::vector<std::string> shifts_too_far(const RunConfig& config, const ImageShape& shape) {
  const AugmentConfig& augment = config.train.augment;
  const int side = std::min(shape.height, shape.width);
  if (augment.resized_crop < 1.0 || 2 * augment.pad <= side) return {};
  return {fmt::format(
      "train.augment.pad ({}) is more than half of the crops' shorter side ({} pixels), so training images can be {} "
      "black; set it to {} or less",
      augment.pad, side, augment.pad >= side ? "all" : "mostly", side / 2)};
}

std::vector<std::string> classes_without_a_chance(const Dataset& dataset, const std::vector<PlannedJob>& jobs) {
  std::map<std::pair<int, int>, std::vector<int>> folds_of;  // by target and class
  int folds = 0;
  for (const PlannedJob& job : jobs) {
    if (job.model != 0) continue;  // bins depend on the fold, not on the model
    folds = std::max(folds, job.fold.value + 1);
    const Unit& unit = dataset.targets.units[std::size_t(job.unit)];
    for (std::size_t h = 0; h < unit.targets.size(); ++h) {
      for (const int c : classes_out_of_reach(job.work.heads[h].code))
        folds_of[{unit.targets[h], c}].push_back(job.fold.value);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [which, in] : folds_of) {
    const Target& target = dataset.targets.targets[std::size_t(which.first)];
    lines.push_back(
        fmt::format("target {}: in {} of {} folds, the class '{}' shares its bins with larger classes, so it can never "
                    "be predicted; raise bins ({})",
                    target.name, in.size(), folds, shown(target.classes[std::size_t(which.second)]), target.bins));
  }
  return lines;
}

}  // namespace pleat
