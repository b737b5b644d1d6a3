#include "ensemble/oof_table.h"

#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <fmt/ostream.h>

#include <set>

#include "base/error.h"
#include "ensemble/blend.h"

namespace pleat {
namespace {

void check_shapes(const std::string& model_id, const HeldOutPredictions& made, std::int64_t rows, int classes) {
  const auto& logits = made.logits;
  if (logits.dim() != 2 || logits.size(1) != classes || made.rows.dim() != 1 || made.rows.size(0) != logits.size(0)) {
    throw DataError(
        "model {}, fold {}: predictions of shape {} for {} rows do not fit {} classes; delete the fold's folder and "
        "run again",
        model_id, made.fold.value, fmt::streamed(logits.sizes()), made.rows.numel(), classes);
  }
  if (made.rows.numel() > 0 &&
      (made.rows.min().item<std::int64_t>() < 0 || made.rows.max().item<std::int64_t>() >= rows)) {
    throw DataError("model {}, fold {}: predictions for rows outside the fold plan's {} rows", model_id,
                    made.fold.value, rows);
  }
}

// Copies one fold's rows into its repeat's table and checks them.
//   writer: for each row, the fold that predicted it so far, or -1
void place_fold(const std::string& model_id, const FoldPlan& plan, const HeldOutPredictions& made, torch::Tensor& probs,
                std::vector<int>& writer) {
  const auto& fold_of = plan.fold_of[std::size_t(made.fold.value / plan.k)];
  const torch::Tensor made_probs = at::softmax(made.logits.to(at::kDouble), 1);
  const auto* rows = made.rows.const_data_ptr<std::int64_t>();
  const torch::Tensor finite = at::isfinite(made.logits).all(1);  // logits, since softmax turns -inf into 0
  const auto* is_finite = finite.const_data_ptr<bool>();
  for (std::int64_t i = 0; i < made.rows.numel(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    if (writer[row] >= 0) {
      throw DataError("model {}: row '{}' is predicted twice, by fold {} and fold {}", model_id, plan.ids[row],
                      writer[row], made.fold.value);
    }
    if (fold_of[row] != made.fold.value % plan.k) {
      throw DataError("model {}: row '{}' is predicted by fold {}, which trained on it; fold {} holds it out", model_id,
                      plan.ids[row], made.fold.value, fold_of[row] + made.fold.value / plan.k * plan.k);
    }
    if (!is_finite[i])
      throw DataError("model {}, fold {}: the prediction of row '{}' is not finite", model_id, made.fold.value,
                      plan.ids[row]);
    writer[row] = made.fold.value;
  }
  probs.index_copy_(0, made.rows, made_probs);
}

// Mixes the normal distributions over the repeats. place_fold checks the rows.
torch::Tensor place_normals(const FoldPlan& plan, const std::vector<HeldOutPredictions>& folds) {
  if (folds.empty() || !folds.front().normal.defined()) return {};
  std::vector<torch::Tensor> repeats(std::size_t(plan.repeats));
  for (auto& table : repeats) table = at::zeros({static_cast<std::int64_t>(plan.ids.size()), 2}, at::kDouble);
  for (const HeldOutPredictions& made : folds)
    repeats[std::size_t(made.fold.value / plan.k)].index_copy_(0, made.rows, made.normal.to(at::kDouble));
  return mix_normals(repeats);
}

}  // namespace

OofModel gather_model(const std::string& model_id, const FoldPlan& plan, int classes,
                      const std::vector<HeldOutPredictions>& folds) {
  const auto rows = static_cast<std::int64_t>(plan.ids.size());
  std::vector<torch::Tensor> repeats(std::size_t(plan.repeats));
  std::vector<std::vector<int>> writers(std::size_t(plan.repeats), std::vector<int>(plan.ids.size(), -1));
  for (auto& table : repeats) table = at::zeros({rows, classes}, at::kDouble);
  std::set<int> seen;
  for (const HeldOutPredictions& made : folds) {
    if (made.fold.value < 0 || made.fold.value >= plan.folds())
      throw DataError("model {}: fold {} is not in the plan of {} folds", model_id, made.fold.value, plan.folds());
    if (!seen.insert(made.fold.value).second)
      throw DataError("model {}: fold {} appears twice", model_id, made.fold.value);
    check_shapes(model_id, made, rows, classes);
    const auto repeat = static_cast<std::size_t>(made.fold.value / plan.k);
    place_fold(model_id, plan, made, repeats[repeat], writers[repeat]);
  }
  for (int fold = 0; fold < plan.folds(); ++fold) {
    if (!seen.contains(fold))
      throw DataError("model {}: fold {} of {} is missing; run again to train it", model_id, fold, plan.folds());
  }
  OofModel model{.id = model_id, .normal = place_normals(plan, folds)};
  torch::Tensor sum = at::zeros({rows, classes}, at::kDouble);
  for (std::size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    for (std::size_t row = 0; row < plan.ids.size(); ++row) {
      if (writers[repeat][row] < 0)
        throw DataError("model {}: row '{}' has no out-of-fold prediction in repeat {}", model_id, plan.ids[row],
                        repeat);
    }
    sum += repeats[repeat];
  }
  model.probs = sum.div_(static_cast<double>(plan.repeats));
  return model;
}

}  // namespace pleat
