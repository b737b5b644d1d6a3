#include "ensemble/stack.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <array>
#include <optional>

namespace pleat {
namespace {

constexpr std::array kPenalties{1e4, 1e3, 1e2, 1e1, 1e0};  // from strong to weak, each fit starting at the one before

constexpr double kRough = 1e-5, kFine = 1e-7;  // gradient of the mean loss: to choose a penalty, and to predict

// At most `most` of the rows, evenly spread.
RowList thinned(const RowList& rows, std::int64_t most) {
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count <= most) return rows;
  RowList some;
  for (std::int64_t i = 0; i < most; ++i) some.push_back(rows[std::size_t(i * count / most)]);
  return some;
}

// Bounds the time of a fit, which grows with rows times coefficients.
std::int64_t most_rows(const Candidates& candidates) {
  constexpr std::int64_t kWork = 100'000'000;
  const std::int64_t coefficients =
      static_cast<std::int64_t>(candidates.probs.size()) * candidates.classes() * candidates.classes();
  return std::max<std::int64_t>(1000, std::min(kStackRows, kWork / coefficients));
}

RowList all_but(const std::vector<RowList>& folds, std::size_t left_out) {
  RowList rows;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    if (f != left_out) rows.insert(rows.end(), folds[f].begin(), folds[f].end());
  }
  return rows;
}

double summed_loss(const StackModel& model, const torch::Tensor& features, const torch::Tensor& labels) {
  const torch::Tensor logits = at::addmm(model.intercepts, features, model.coefficients.t());
  return at::nll_loss(at::log_softmax(logits, 1), labels, {}, at::Reduction::Sum).item<double>();
}

}  // namespace

torch::Tensor log_features(const std::vector<torch::Tensor>& tables, const RowList& rows) {
  const torch::Tensor places = at::tensor(rows, at::kLong);
  std::vector<torch::Tensor> logs;
  for (const torch::Tensor& table : tables)
    logs.push_back(table.index_select(0, places).to(at::kDouble).clamp_min_(kLeastLogProb).log_());
  return at::cat(logs, 1);
}

StackModel fit_stack(const torch::Tensor& features, const torch::Tensor& labels, std::int64_t classes, double penalty,
                     const StackModel* start, double tolerance) {
  const torch::AutoGradMode no_gradients(false);  // they are computed here
  const double rows = static_cast<double>(features.size(0));
  // Centred features change the intercepts alone, and take far fewer steps.
  const torch::Tensor centre = features.mean(0), centred = features - centre;
  torch::Tensor coefficients =
      start ? start->coefficients.clone() : at::zeros({classes, features.size(1)}, at::kDouble);
  torch::Tensor intercepts =
      start ? start->intercepts + start->coefficients.matmul(centre) : at::zeros({classes}, at::kDouble);
  const torch::Tensor one_hot = at::one_hot(labels, classes).to(at::kDouble);
  torch::optim::LBFGS optimizer({coefficients, intercepts}, torch::optim::LBFGSOptions(1)
                                                                .max_iter(2000)
                                                                .tolerance_grad(tolerance)
                                                                .tolerance_change(1e-15)
                                                                .history_size(10)
                                                                .line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    const torch::Tensor logs = at::log_softmax(at::addmm(intercepts, centred, coefficients.t()), 1);
    const torch::Tensor slope = (logs.exp() - one_hot).div_(rows);
    coefficients.mutable_grad() = at::addmm(coefficients * (penalty / rows), slope.t(), centred);
    intercepts.mutable_grad() = slope.sum(0);
    return at::nll_loss(logs, labels, {}, at::Reduction::Mean) + coefficients.square().sum() * (penalty / 2 / rows);
  });
  intercepts -= coefficients.matmul(centre);
  return {coefficients, intercepts - intercepts.mean(), penalty};
}

torch::Tensor stack_probs(const StackModel& model, const torch::Tensor& features) {
  return at::softmax(at::addmm(model.intercepts, features, model.coefficients.t()), 1);
}

StackModel fit_stack_with_penalty(const Candidates& candidates, const std::vector<RowList>& folds) {
  std::array<double, kPenalties.size()> losses{};
  const auto part = [&](const RowList& all) {
    const RowList rows = thinned(all, most_rows(candidates));
    return std::pair(log_features(candidates.probs, rows),
                     candidates.labels.index_select(0, at::tensor(rows, at::kLong)));
  };
  for (std::size_t f = 0; f < folds.size(); ++f) {
    const auto [features, labels] = part(all_but(folds, f));
    const auto [held_features, held_labels] = part(folds[f]);
    std::optional<StackModel> model;
    for (std::size_t p = 0; p < kPenalties.size(); ++p) {
      model = fit_stack(features, labels, candidates.classes(), kPenalties[p], model ? &*model : nullptr, kRough);
      losses[p] += summed_loss(*model, held_features, held_labels);
    }
  }
  std::size_t best = 0;
  for (std::size_t p = 1; p < kPenalties.size(); ++p) {
    if (losses[p] < losses[best]) best = p;
  }
  const auto [features, labels] = part(all_but(folds, folds.size()));
  return fit_stack(features, labels, candidates.classes(), kPenalties[best], nullptr, kFine);
}

}  // namespace pleat
