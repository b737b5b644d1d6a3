#include "rounds/gather.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/files.h"
#include "ensemble/blend.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

torch::Tensor probs_of(const torch::Tensor& logits) { return at::softmax(logits.to(at::kDouble), 1); }

// Maps crop rows to positions in the plan.
torch::Tensor to_plan_rows(const torch::Tensor& crop_rows,
                           const std::unordered_map<std::int64_t, std::int64_t>& position_of,
                           const std::string& source) {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < crop_rows.numel(); ++i) {
    const auto found = position_of.find(crop_rows[i].item<std::int64_t>());
    if (found == position_of.end()) {
      throw DataError("{} predicts crop row {}, which is not in folds.csv", source, crop_rows[i].item<std::int64_t>());
    }
    positions.push_back(found->second);
  }
  return at::tensor(positions, at::kLong);
}

GatheredTarget empty_table(int target, const Dataset& dataset) {
  const Target& described = dataset.targets.targets[std::size_t(target)];
  GatheredTarget gathered{.target = target, .oof = {.target = described.name, .classes = described.classes}};
  std::vector<std::int64_t> labels;
  for (const std::int64_t row : dataset.train)
    labels.push_back(dataset.labels[std::size_t(target)].classes[std::size_t(row)]);
  gathered.oof.labels = at::tensor(labels, at::kLong);
  return gathered;
}

// Fills one table of each derived target.
using Table = std::function<torch::Tensor*(GatheredTarget&)>;
void derive(const TargetPlan& plan, std::vector<std::optional<GatheredTarget>>& by_target, const Table& table) {
  std::vector<torch::Tensor> probs;
  for (auto& each : by_target) probs.push_back(each ? *table(*each) : torch::Tensor());
  plan.derive(probs);
  for (std::size_t t = 0; t < by_target.size(); ++t) {
    if (by_target[t]) *table(*by_target[t]) = probs[t];
  }
}

// True if every source of the derived target exists.
bool can_derive(const TargetPlan& plan, int target, const std::vector<std::optional<GatheredTarget>>& by_target) {
  if (!plan.joint) return false;
  if (target + 1 < static_cast<int>(plan.targets.size())) return by_target.back().has_value();
  return std::all_of(plan.joint->of.begin(), plan.joint->of.end(),
                     [&](int component) { return by_target[std::size_t(component)].has_value(); });
}

// The same shape, with undefined tensors.
using Networks = std::vector<std::vector<torch::Tensor>>;
Networks unfilled(const Networks& networks) {
  Networks empty;
  for (const auto& folds : networks) empty.emplace_back(folds.size());
  return empty;
}

// A model and its trained folds.
struct ModelFolds {
  std::string id;
  std::vector<FoldId> folds;
};

// Predictions of several networks for the same rows.
struct Predicted {
  std::vector<torch::Tensor> probs, normals;

  void add(const torch::Tensor& logits, const torch::Tensor& normal) {
    if (logits.defined()) probs.push_back(probs_of(logits));
    if (normal.defined()) normals.push_back(normal);
  }
  torch::Tensor mean() const { return probs.empty() ? torch::Tensor() : mean_probs(probs); }
  torch::Tensor mixture() const { return normals.empty() ? torch::Tensor() : mix_normals(normals); }
};

GatheredTarget gather_target(int target, const Unit& unit, const std::vector<ModelFolds>& models,
                             const Dataset& dataset, const FoldPlan& plan, const RunPaths& paths, int round) {
  const std::string head = head_name(unit, dataset.targets.targets[std::size_t(target)]);
  GatheredTarget gathered = empty_table(target, dataset);
  std::unordered_map<std::int64_t, std::int64_t> position_of;
  for (const std::int64_t row : dataset.train) position_of.emplace(row, static_cast<std::int64_t>(position_of.size()));
  Predicted oof, test, unlabelled;
  for (const ModelFolds& model : models) {
    std::vector<HeldOutPredictions> folds;
    Predicted own_test;
    for (const FoldId fold : model.folds) {
      const std::string file = (paths.fold(round, unit.name, model.id, fold) / kPredictionsFile).string();
      const JobPredictions made = parse_predictions(read_file(file), head, file);
      folds.push_back(
          {fold, to_plan_rows(made.held_out_rows, position_of, file), made.held_out_logits, made.held_out_normal});
      own_test.add(made.test_logits, made.test_normal);
      test.add(made.test_logits, made.test_normal);
      unlabelled.add(made.unlabelled_logits, made.unlabelled_normal);
    }
    gathered.oof.models.push_back(gather_model(model.id, plan, static_cast<int>(gathered.oof.classes.size()), folds));
    oof.probs.push_back(gathered.oof.models.back().probs);
    if (gathered.oof.models.back().normal.defined()) oof.normals.push_back(gathered.oof.models.back().normal);
    gathered.model_test.push_back(own_test.mean());
    gathered.fold_test.push_back(own_test.probs);
  }
  gathered.oof.ensemble = oof.mean();
  gathered.oof.normal = oof.mixture();
  if (gathered.oof.normal.defined())
    gathered.oof.numbers = at::tensor(numbers_of(dataset, target, dataset.train), at::kDouble);
  gathered.test = test.mean(), gathered.test_normal = test.mixture();
  gathered.unlabelled = unlabelled.mean(), gathered.unlabelled_normal = unlabelled.mixture();
  return gathered;
}

}  // namespace

std::vector<GatheredTarget> gather_unit(int unit, const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                                        const Round& round, const RunPaths& paths) {
  std::vector<ModelFolds> models;
  for (std::size_t m = 0; m < config.models.size(); ++m) {
    ModelFolds& model = models.emplace_back(ModelFolds{.id = config.models[m].id});
    for (const PlannedJob& job : round.jobs) {
      if (job.unit == unit && job.model == static_cast<int>(m)) model.folds.push_back(job.fold);
    }
  }
  const Unit& described = dataset.targets.units[std::size_t(unit)];
  std::vector<GatheredTarget> gathered;
  for (const int target : described.targets)
    gathered.push_back(gather_target(target, described, models, dataset, plan, paths, round.index));
  return gathered;
}

void add_derived(const Dataset& dataset, std::vector<GatheredTarget>& targets) {
  const TargetPlan& plan = dataset.targets;
  if (targets.empty()) return;
  std::vector<std::optional<GatheredTarget>> by_target(plan.targets.size());
  for (GatheredTarget& gathered : targets) by_target[std::size_t(gathered.target)] = std::move(gathered);
  const auto models =
      std::find_if(by_target.begin(), by_target.end(), [](const auto& each) { return each.has_value(); });
  const std::vector<OofModel> names = (*models)->oof.models;
  const Networks networks = unfilled((*models)->fold_test);
  for (int t = 0; t < static_cast<int>(by_target.size()); ++t) {
    if (by_target[std::size_t(t)] || !plan.derived(t) || !can_derive(plan, t, by_target)) continue;
    by_target[std::size_t(t)] = empty_table(t, dataset);
    for (const OofModel& model : names) by_target[std::size_t(t)]->oof.models.push_back({.id = model.id});
    by_target[std::size_t(t)]->model_test.resize(names.size());
    by_target[std::size_t(t)]->fold_test = networks;
  }
  for (std::size_t m = 0; m < names.size(); ++m) {
    derive(plan, by_target, [m](GatheredTarget& each) { return &each.oof.models[m].probs; });
    derive(plan, by_target, [m](GatheredTarget& each) { return &each.model_test[m]; });
    for (std::size_t f = 0; f < networks[m].size(); ++f)
      derive(plan, by_target, [m, f](GatheredTarget& each) { return &each.fold_test[m][f]; });
  }
  derive(plan, by_target, [](GatheredTarget& each) { return &each.oof.ensemble; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.test; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.unlabelled; });
  targets.clear();
  for (auto& each : by_target) {
    if (each) targets.push_back(std::move(*each));
  }
}

namespace {

Json members_of(const Unit& unit, const RunConfig& config, const FoldPlan& plan, const RunPaths& paths, int round) {
  Json members = Json::array();
  const double weight = 1.0 / static_cast<double>(config.models.size() * std::size_t(plan.folds()));
  for (const ModelConfig& model : config.models) {
    for (int fold = 0; fold < plan.folds(); ++fold) {
      const auto folder = paths.fold(round, unit.name, model.id, {fold}).lexically_relative(paths.root);
      members.push_back({{"model", model.id}, {"fold", fold}, {"weight", weight}, {"folder", folder.string()}});
    }
  }
  return members;
}

// The method and sources of a derived target.
Json derivation(const TargetPlan& plan, int target) {
  if (target + 1 < static_cast<int>(plan.targets.size()))
    return {{"method", "sum"}, {"of", {plan.targets.back().name}}};
  Json components = Json::array();
  for (const int component : plan.joint->of) components.push_back(plan.targets[std::size_t(component)].name);
  return {{"method", "product"}, {"of", components}};
}

}  // namespace

Json describe_ensemble(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                       const std::vector<GatheredTarget>& targets, const RunPaths& paths, int round) {
  Json all = Json::object();
  for (const GatheredTarget& gathered : targets) {
    if (dataset.targets.derived(gathered.target)) {
      Json described = derivation(dataset.targets, gathered.target);
      described["classes"] = gathered.oof.classes;
      all[gathered.oof.target] = described;
      continue;
    }
    for (const Unit& unit : dataset.targets.units) {
      if (std::find(unit.targets.begin(), unit.targets.end(), gathered.target) == unit.targets.end()) continue;
      all[gathered.oof.target] = {{"method", "mean"},
                                  {"of", "softmax probabilities"},
                                  {"classes", gathered.oof.classes},
                                  {"members", members_of(unit, config, plan, paths, round)}};
    }
  }
  return {{"targets", all}};
}

}  // namespace pleat
