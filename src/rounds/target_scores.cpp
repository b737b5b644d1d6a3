#include "rounds/target_scores.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <set>

namespace pleat {
namespace {

// The test rows with a label of the target.
struct TestRows {
  torch::Tensor places, labels;  // their indices among all test rows, and their classes

  TestRows(int target, const Dataset& dataset) {
    std::vector<std::int64_t> codes;
    for (const std::int64_t row : dataset.test)
      codes.push_back(dataset.labels[std::size_t(target)].classes[std::size_t(row)]);
    const torch::Tensor all = at::tensor(codes, at::kLong);
    places = at::nonzero(all >= 0).squeeze(1);
    labels = all.index_select(0, places);
  }
  // Returns none without such rows.
  std::optional<Scores> scores(const torch::Tensor& probs) const {
    if (!probs.defined() || places.numel() == 0) return std::nullopt;
    return score(probs.index_select(0, places), labels);
  }
};

std::optional<Interval> leak_meter(const GatheredTarget& gathered, const Dataset& dataset, const FoldPlan& plan,
                                   const std::string& group, const TestRows& test, const std::string& score_name) {
  if (gathered.fold_ensemble.empty() || !gathered.fold_ensemble.front().defined() || test.places.numel() == 0)
    return std::nullopt;
  const std::vector<std::string>& names = dataset.crops.table().column(group.empty() ? "id" : group);
  std::vector<std::string> groups;
  for (std::int64_t i = 0; i < test.places.numel(); ++i)
    groups.push_back(names[std::size_t(dataset.test[std::size_t(test.places.const_data_ptr<std::int64_t>()[i])])]);
  std::vector<torch::Tensor> held_out;
  for (const torch::Tensor& probs : gathered.fold_ensemble) held_out.push_back(probs.index_select(0, test.places));
  return difference({{gathered.oof.ensemble}, gathered.oof.labels, group_rows(plan.groups), score_name},
                    {held_out, test.labels, group_rows(groups), score_name});
}

std::set<std::int64_t> classes_in(const torch::Tensor& labels) {
  const auto* first = labels.const_data_ptr<std::int64_t>();
  return {first, first + labels.numel()};
}

int lacking(const torch::Tensor& labels, const torch::Tensor& others) {
  const std::set<std::int64_t> all = classes_in(labels), some = classes_in(others);
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](std::int64_t c) { return !some.contains(c); }));
}

}  // namespace

double spread_of(const std::vector<Scores>& all, const std::string& score_name) {
  std::vector<double> values;
  for (const Scores& each : all) values.push_back(score_by_name(each, score_name));
  return spread(values);
}

TargetScores score_target(const GatheredTarget& gathered, const Dataset& dataset, const FoldPlan& plan,
                          const std::string& group, const std::string& score_name) {
  const OofTable& oof = gathered.oof;
  TargetScores scores{.target = oof.target,
                      .oof = score(oof.ensemble, oof.labels),
                      .in_sample = score(gathered.selection.in_sample, oof.labels),
                      .blend = gathered.selection.blend};
  const torch::Tensor fold_of = at::tensor(plan.fold_of.front(), at::kInt);
  for (int fold = 0; fold < plan.k; ++fold) {
    const torch::Tensor rows = at::nonzero(fold_of == fold).squeeze(1);
    scores.folds.push_back(score(oof.ensemble.index_select(0, rows), oof.labels.index_select(0, rows)));
  }
  scores.spread = spread_of(scores.folds, score_name);
  const TestRows test(gathered.target, dataset);
  scores.test = test.scores(gathered.test);
  if (scores.test) {
    scores.oof_alone = lacking(oof.labels, test.labels);
    scores.test_alone = lacking(test.labels, oof.labels);
  }
  for (std::size_t m = 0; m < oof.models.size(); ++m) {
    ModelScores& model = scores.models.emplace_back(ModelScores{.id = oof.models[m].id,
                                                                .oof = score(oof.models[m].probs, oof.labels),
                                                                .test = test.scores(gathered.model_test[m])});
    for (const torch::Tensor& probs : gathered.fold_test[m]) {
      if (const auto alone = test.scores(probs)) model.test_folds.push_back(*alone);
    }
  }
  scores.leak = leak_meter(gathered, dataset, plan, group, test, score_name);
  if (oof.normal.defined()) scores.oof_number = score_numbers(oof.normal, oof.numbers);
  if (gathered.test_normal.defined()) {
    const torch::Tensor numbers = at::tensor(numbers_of(dataset, gathered.target, dataset.test), at::kDouble);
    const torch::Tensor known = at::nonzero(at::isfinite(numbers)).squeeze(1);
    if (known.numel() > 0)
      scores.test_number = score_numbers(gathered.test_normal.index_select(0, known), numbers.index_select(0, known));
  }
  return scores;
}

}  // namespace pleat
