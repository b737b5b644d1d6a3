// Chooses how to blend the candidates of one target, and scores the choice honestly.
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "ensemble/candidates.h"
#include "ensemble/stack.h"
#include "target/metrics.h"

namespace pleat {

/// A rule that turns the candidates' predictions into one.
struct Blend {
  std::string method;           // "mean", "best", "greedy" or "stack"
  std::vector<double> weights;  // one per candidate, sum 1; with stack, equal, for predicted numbers alone
  std::optional<StackModel> stack;

  /// True if the candidate's predictions enter the blend.
  bool uses(std::size_t candidate) const { return stack || weights[candidate] > 0; }
};

/// Returns the blended probabilities, [n, C] float64.
///   tables: one per candidate, for the same rows; those that the blend does not use may be undefined
torch::Tensor apply_blend(const Blend& blend, const std::vector<torch::Tensor>& tables);

/// Returns the mixture of the candidates' normal distributions by the blend's weights, [n, 2] float64; undefined if a
/// candidate with a weight has none.
torch::Tensor blend_normals(const Blend& blend, const std::vector<torch::Tensor>& normals);

/// A method's scores on the out-of-fold rows. `in_sample`: fitted on all rows. `cross_fitted`: for each fold k, fitted
/// on the other folds and scored on k, pooled over k; the honest one.
struct MethodScores {
  std::string method;
  Scores in_sample, cross_fitted;
};

struct Selection {
  Blend blend;                            // fitted on all rows
  torch::Tensor in_sample, cross_fitted;  // [N, C] float64
  std::vector<MethodScores> tried;        // the chosen method is among them
};

struct SelectionRequest {
  std::string method;        // "auto", or a method of Blend
  std::string score;         // as score_by_name
  std::vector<int> fold_of;  // per row, in [0, k)
  int k = 0;
};

/// With `auto`: the method with the best cross-fitted score among those that, fitted on all rows, score no worse than
/// the best candidate; equal scores are decided by log-loss, then by the order mean, best, greedy, stack. With one
/// candidate nothing is fitted. `auto` leaves out stack above kMostStackWeights coefficients.
Selection select_blend(const Candidates& candidates, const SelectionRequest& request);
inline constexpr std::int64_t kMostStackWeights = 20'000;

Json to_json(const Blend& blend);
/// Throws: DataError naming `source`.
Blend blend_from_json(const Json& json, std::size_t candidates, std::int64_t classes, const std::string& source);

}  // namespace pleat
