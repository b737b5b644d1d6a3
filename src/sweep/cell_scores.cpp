#include "sweep/cell_scores.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <string_view>
#include <unordered_map>

#include "ensemble/blend.h"
#include "rounds/fold_predictions.h"

namespace pleat {

CellScores::CellScores(const SweepPlan& plan)
    : plan_(plan), dataset_(*plan.base().dataset), plan_row_(dataset_.crops.rows(), -1) {
  const TargetPlan& targets = dataset_.targets;
  for (int target = 0; target < static_cast<int>(targets.targets.size()); ++target) {
    const bool is_joint = target >= static_cast<int>(targets.own());
    if (!targets.joint || is_joint) targets_.push_back(target);
  }
  for (std::size_t i = 0; i < dataset_.train.size(); ++i)
    plan_row_[std::size_t(dataset_.train[i])] = static_cast<std::int64_t>(i);
  std::unordered_map<std::string_view, std::int64_t> number_of;
  for (const std::string& group : plan.trials.front().full.plan->groups)
    group_of_.push_back(number_of.emplace(group, static_cast<std::int64_t>(number_of.size())).first->second);
}

// The mean over the cell's models, and the targets that follow from others.
CellScores::FoldTable CellScores::read_table(const SweepTask& task) const {
  const Run& run = plan_.trial_of(task).run_of(task);
  const RoundSource source{run.config, dataset_, run.paths, 0};
  FoldTable table;
  std::vector<torch::Tensor> by_target(dataset_.targets.targets.size());
  for (const Unit& unit : dataset_.targets.units) {
    for (const int target : unit.targets) {
      std::vector<torch::Tensor> probs;
      for (const ModelConfig& model : run.config.models) {
        const FoldPredictions made = read_fold(source, unit, target, model.id, plan_.fold_of(task));
        probs.push_back(at::softmax(made.held_out_logits.to(at::kDouble), 1));
        if (!table.rows.empty()) continue;
        for (std::int64_t i = 0; i < made.held_out_rows.numel(); ++i)
          table.rows.push_back(plan_row_[std::size_t(made.held_out_rows[i].item<std::int64_t>())]);
      }
      by_target[std::size_t(target)] = mean_probs(probs);
    }
  }
  dataset_.targets.derive(by_target);
  for (const int target : targets_) table.probs.push_back(by_target[std::size_t(target)].contiguous());
  return table;
}

const CellScores::FoldTable& CellScores::table(int cell, int place) {
  const auto [found, is_new] = tables_.try_emplace({cell, place});
  if (is_new) found->second = read_table({cell, false, place});
  return found->second;
}

void CellScores::forget(int cell) {
  std::erase_if(tables_, [&](const auto& each) { return each.first.first == cell; });
}

// Pools the rows of several folds, in the plan's order. A row that several repeats predict gets their mean.
TargetsScore CellScores::scores_of_tables(const std::vector<const FoldTable*>& tables) const {
  std::vector<bool> predicted(dataset_.train.size());
  for (const FoldTable* table : tables) {
    for (const std::int64_t row : table->rows) predicted[std::size_t(row)] = true;
  }
  std::vector<std::int64_t> place_of(predicted.size()), rows, groups;
  for (std::size_t row = 0; row < predicted.size(); ++row) {
    if (!predicted[row]) continue;
    place_of[row] = static_cast<std::int64_t>(rows.size());
    rows.push_back(static_cast<std::int64_t>(row));
    groups.push_back(group_of_[row]);
  }
  TargetsScore scores;
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    const auto classes = tables.front()->probs[t].size(1);
    torch::Tensor sums = at::zeros({static_cast<std::int64_t>(rows.size()), classes}, at::kDouble);
    torch::Tensor counts = at::zeros({static_cast<std::int64_t>(rows.size()), 1}, at::kDouble);
    for (const FoldTable* table : tables) {
      std::vector<std::int64_t> places;
      for (const std::int64_t row : table->rows) places.push_back(place_of[std::size_t(row)]);
      const torch::Tensor index = at::tensor(places, at::kLong);
      sums.index_add_(0, index, table->probs[t]);
      counts.index_add_(0, index, at::ones({index.numel(), 1}, at::kDouble));
    }
    std::vector<std::int64_t> labels;
    const std::vector<std::int64_t>& classes_of = dataset_.labels[std::size_t(targets_[t])].classes;
    for (const std::int64_t row : rows) labels.push_back(classes_of[std::size_t(dataset_.train[std::size_t(row)])]);
    scores.emplace_back(std::vector<torch::Tensor>{sums / counts}, at::tensor(labels, at::kLong), group_rows(groups),
                        plan_.base().config.score);
  }
  return scores;
}

TargetsScore CellScores::scores_of_ensemble(const std::vector<OofTable>& tables) const {
  FoldTable whole;
  for (std::size_t row = 0; row < dataset_.train.size(); ++row) whole.rows.push_back(static_cast<std::int64_t>(row));
  for (const int target : targets_) {
    const std::string& name = dataset_.targets.targets[std::size_t(target)].name;
    for (const OofTable& table : tables) {
      if (table.target == name) whole.probs.push_back(table.ensemble);
    }
  }
  return scores_of_tables({&whole});
}

TargetsScore CellScores::scores_of(const std::vector<Part>& parts) {
  std::vector<const FoldTable*> tables;
  for (const Part& part : parts) tables.push_back(&table(part.cell, part.place));
  return scores_of_tables(tables);
}

std::vector<CellScores::Part> CellScores::folds_of(int cell, int first, int last) {
  std::vector<Part> parts;
  for (int place = first; place < last; ++place) parts.push_back({cell, place});
  return parts;
}

double CellScores::brief_score(int cell) {
  const FoldTable table = read_table({cell, true, 0});
  return whole_score(scores_of_tables({&table}));
}

double CellScores::score(int cell, int folds) { return whole_score(scores_of(folds_of(cell, 0, folds))); }

Interval CellScores::against(int cell, int leader, int folds) {
  return paired_difference(scores_of(folds_of(cell, 0, folds)), scores_of(folds_of(leader, 0, folds)));
}

}  // namespace pleat
