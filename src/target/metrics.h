// Scores of predictions: accuracy, macro-F1 and log-loss, as scikit-learn defines them.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace pleat {

struct Scores {
  double accuracy = 0, macro_f1 = 0, log_loss = 0;
};

/// probs [N, C] float32 or float64 on CPU, rows summing to 1; labels [N] int64 in [0, C).
/// macro_f1 is the mean over the classes that occur in labels or predictions. log_loss is in nats.
/// Throws: DataError if N == 0.
Scores score(const torch::Tensor& probs, const torch::Tensor& labels);

/// Counts of one class: rows that have the label, rows that are predicted as it, and rows that are both.
struct ClassCounts {
  std::int64_t labelled = 0, guessed = 0, hit = 0;
};

/// The mean F1 over the classes that occur in labels or predictions. Requires one such class.
double macro_f1(const std::vector<ClassCounts>& classes);

/// {"accuracy", "macro_f1", "log_loss"}.
Json to_json(const Scores& scores);

/// Errors of predicted numbers, in their own unit.
struct NumberScores {
  double mae = 0, rmse = 0;
  double within = 0;  // share of rows within one predicted standard deviation; 0.68 if the deviations are right
};

/// normal [N, 2] float64: mean and standard deviation; numbers [N] float64.
/// Throws: DataError if N == 0.
NumberScores score_numbers(const torch::Tensor& normal, const torch::Tensor& numbers);

/// Counts [C, C] int64: row = true class, column = predicted class.
torch::Tensor confusion(const torch::Tensor& probs, const torch::Tensor& labels);

/// Returns the score of that name ("accuracy", "macro_f1", "log_loss"). More is better: log_loss is negated.
/// Throws: UsageError for another name.
double score_by_name(const Scores& scores, const std::string& name);

/// Returns the score as it is shown: log_loss is not negated.
double shown_score(const Scores& scores, const std::string& name);

/// Sample standard deviation; 0 for fewer than two values.
double spread(const std::vector<double>& values);

}  // namespace pleat
