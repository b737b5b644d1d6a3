#include "rounds/gather.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "ensemble/blend.h"

namespace pleat {
namespace {

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

// Predictions of several networks for the same rows.
struct Predicted {
  std::vector<torch::Tensor> probs, normals;

  void add(const torch::Tensor& more_probs, const torch::Tensor& more_normals) {
    if (more_probs.defined()) probs.push_back(more_probs);
    if (more_normals.defined()) normals.push_back(more_normals);
  }
  torch::Tensor mean() const { return probs.empty() ? torch::Tensor() : mean_probs(probs); }
  torch::Tensor mixture() const { return normals.empty() ? torch::Tensor() : mix_normals(normals); }
};

// The predictions of one model's folds.
struct ModelPredictions {
  std::vector<HeldOutPredictions> held_out;
  Predicted test, unlabelled;
};

ModelPredictions read_model(const RoundSource& from, const FoldPlan& plan, const Unit& unit, int target,
                            const std::string& model,
                            const std::unordered_map<std::int64_t, std::int64_t>& position_of) {
  ModelPredictions predictions;
  for (int fold = 0; fold < plan.folds(); ++fold) {
    const FoldPredictions made = read_fold(from, unit, target, model, {fold});
    const std::string source = from.paths.fold(from.round, unit.name, model, {fold}).string();
    predictions.held_out.push_back(
        {{fold}, to_plan_rows(made.held_out_rows, position_of, source), made.held_out_logits, made.held_out_normal});
    predictions.test.add(made.test, made.test_normal);
    predictions.unlabelled.add(made.unlabelled, made.unlabelled_normal);
  }
  return predictions;
}

// Blends one kind of table; undefined if a candidate of the blend lacks it.
torch::Tensor blended(const Blend& blend, const std::vector<torch::Tensor>& tables) {
  for (std::size_t m = 0; m < tables.size(); ++m) {
    if (blend.uses(m) && !tables[m].defined()) return {};
  }
  return apply_blend(blend, tables);
}

// By fold: the predictions of that fold's models alone, blended. None if a candidate of the blend has no folds.
std::vector<torch::Tensor> blended_folds(const Blend& blend, const Networks& networks) {
  std::size_t folds = std::numeric_limits<std::size_t>::max();
  for (std::size_t m = 0; m < networks.size(); ++m) {
    if (blend.uses(m)) folds = std::min(folds, networks[m].size());
  }
  std::vector<torch::Tensor> by_fold;
  for (std::size_t f = 0; f < folds; ++f) {
    std::vector<torch::Tensor> tables;
    for (const auto& each : networks) tables.push_back(f < each.size() ? each[f] : torch::Tensor());
    by_fold.push_back(blended(blend, tables));
  }
  return by_fold;
}

GatheredTarget gather_target(const RoundSource& from, const FoldPlan& plan, int target, const Unit& unit) {
  GatheredTarget gathered = empty_table(target, from.dataset);
  std::unordered_map<std::int64_t, std::int64_t> position_of;
  for (const std::int64_t row : from.dataset.train)
    position_of.emplace(row, static_cast<std::int64_t>(position_of.size()));
  for (const ModelConfig& model : from.config.models) {
    const ModelPredictions made = read_model(from, plan, unit, target, model.id, position_of);
    gathered.oof.models.push_back(
        gather_model(model.id, plan, static_cast<int>(gathered.oof.classes.size()), made.held_out));
    gathered.model_test.push_back(made.test.mean());
    gathered.model_unlabelled.push_back(made.unlabelled.mean());
    gathered.model_test_normal.push_back(made.test.mixture());
    gathered.model_unlabelled_normal.push_back(made.unlabelled.mixture());
    gathered.fold_test.push_back(made.test.probs);
  }
  return gathered;
}

}  // namespace

std::vector<GatheredTarget> gather_candidates(int unit, const FoldPlan& plan, const RoundSource& source) {
  const Unit& described = source.dataset.targets.units[std::size_t(unit)];
  std::vector<GatheredTarget> gathered;
  for (const int target : described.targets) gathered.push_back(gather_target(source, plan, target, described));
  return gathered;
}

void choose_ensemble(const EnsembleRule& rule, const FoldPlan& plan, const Dataset& dataset, GatheredTarget& gathered) {
  Candidates candidates{.labels = gathered.oof.labels};
  std::vector<torch::Tensor> numbers;
  for (const OofModel& model : gathered.oof.models) {
    candidates.probs.push_back(model.probs);
    numbers.push_back(model.normal);
  }
  gathered.selection = select_blend(candidates, {rule.method, rule.score, plan.fold_of.front(), plan.k});
  const Blend& blend = gathered.selection.blend;
  gathered.oof.ensemble = gathered.selection.cross_fitted;
  gathered.test = blended(blend, gathered.model_test);
  gathered.unlabelled = blended(blend, gathered.model_unlabelled);
  gathered.fold_ensemble = blended_folds(blend, gathered.fold_test);
  gathered.oof.normal = blend_normals(blend, numbers);
  if (!gathered.oof.normal.defined()) return;
  gathered.oof.numbers = at::tensor(numbers_of(dataset, gathered.target, dataset.train), at::kDouble);
  gathered.test_normal = blend_normals(blend, gathered.model_test_normal);
  gathered.unlabelled_normal = blend_normals(blend, gathered.model_unlabelled_normal);
}

std::vector<GatheredTarget> gather_unit(int unit, const FoldPlan& plan, const RoundSource& source) {
  std::vector<GatheredTarget> gathered = gather_candidates(unit, plan, source);
  for (GatheredTarget& target : gathered)
    choose_ensemble({source.config.ensemble, source.config.score}, plan, source.dataset, target);
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
  const std::size_t fold_ensembles = (*models)->fold_ensemble.size();
  for (int t = 0; t < static_cast<int>(by_target.size()); ++t) {
    if (by_target[std::size_t(t)] || !plan.derived(t) || !can_derive(plan, t, by_target)) continue;
    by_target[std::size_t(t)] = empty_table(t, dataset);
    for (const OofModel& model : names) by_target[std::size_t(t)]->oof.models.push_back({.id = model.id});
    by_target[std::size_t(t)]->model_test.resize(names.size());
    by_target[std::size_t(t)]->model_unlabelled.resize(names.size());
    by_target[std::size_t(t)]->model_test_normal.resize(names.size());
    by_target[std::size_t(t)]->model_unlabelled_normal.resize(names.size());
    by_target[std::size_t(t)]->fold_test = networks;
    by_target[std::size_t(t)]->fold_ensemble.resize(fold_ensembles);
  }
  for (std::size_t m = 0; m < names.size(); ++m) {
    derive(plan, by_target, [m](GatheredTarget& each) { return &each.oof.models[m].probs; });
    derive(plan, by_target, [m](GatheredTarget& each) { return &each.model_test[m]; });
    derive(plan, by_target, [m](GatheredTarget& each) { return &each.model_unlabelled[m]; });
    for (std::size_t f = 0; f < networks[m].size(); ++f)
      derive(plan, by_target, [m, f](GatheredTarget& each) { return &each.fold_test[m][f]; });
  }
  for (std::size_t f = 0; f < fold_ensembles; ++f)
    derive(plan, by_target, [f](GatheredTarget& each) { return &each.fold_ensemble[f]; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.oof.ensemble; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.selection.in_sample; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.test; });
  derive(plan, by_target, [](GatheredTarget& each) { return &each.unlabelled; });
  targets.clear();
  for (auto& each : by_target) {
    if (each) targets.push_back(std::move(*each));
  }
}

}  // namespace pleat
