// Stacking: a multinomial logistic regression on the candidates' log-probabilities.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/candidates.h"

namespace pleat {

struct StackModel {
  torch::Tensor coefficients;  // [C, candidates * C] float64; the candidates' log-probabilities in order
  torch::Tensor intercepts;    // [C] float64, sum 0
  double penalty = 0;
};

/// Probabilities are clipped to at least this before the logarithm, so that one certain mistake has a bounded effect.
inline constexpr double kLeastLogProb = 1e-6;

/// Returns the features of these rows, [rows, candidates * C] float64: the logarithms of all probabilities.
torch::Tensor log_features(const std::vector<torch::Tensor>& tables, const RowList& rows);

/// Minimises the summed log-loss + penalty / 2 * (sum of squared coefficients); intercepts are not penalised. This is
/// scikit-learn's LogisticRegression with C = 1 / penalty, for more than two classes.
///   features [n, F] float64, labels [n] int64, penalty > 0
///   start: a solution to begin with, or null
///   tolerance: stop where no gradient of the mean loss is larger
StackModel fit_stack(const torch::Tensor& features, const torch::Tensor& labels, std::int64_t classes, double penalty,
                     const StackModel* start = nullptr, double tolerance = 1e-9);

/// Returns the predicted probabilities, [n, C] float64.
torch::Tensor stack_probs(const StackModel& model, const torch::Tensor& features);

/// Chooses the penalty by cross-validation over `folds` (the summed log-loss), then fits all rows.
///   folds: the rows of each part, at least two parts; each part is predicted by a fit on the others
/// Fits use at most kStackRows rows, evenly spread; fewer for more than 2,000 coefficients.
StackModel fit_stack_with_penalty(const Candidates& candidates, const std::vector<RowList>& folds);
inline constexpr std::int64_t kStackRows = 50'000;

}  // namespace pleat
