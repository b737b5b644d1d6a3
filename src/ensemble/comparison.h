// Whether predictions of the same rows by two runs differ in score by more than chance. Whole groups are resampled,
// since a person's photos err alike.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ensemble/resample.h"
#include "folds/fold_plan.h"

namespace pleat {

/// Out-of-fold predictions of the same rows by two runs.
struct PairedPredictions {
  torch::Tensor a, b;    // [N, C] float64, rows that sum to 1
  torch::Tensor labels;  // [N] int64 in [0, C)
};

enum class Verdict { kBetter, kWorse, kNoEvidence };

/// a less b. Higher is better: a difference of log-losses is negated.
struct Comparison {
  Interval score;                  // with the interval that holds 95 % of the differences on resamples
  std::vector<Interval> class_f1;  // the difference of each class's F1; 0 for a class without rows and guesses
  std::vector<double> fold_score;  // of the rows of each fold of the first repeat
  Verdict verdict = Verdict::kNoEvidence;
  std::int64_t groups = 0;
  // kNoEvidence: further groups of the same kind after which the interval would not hold 0, if the difference stayed.
  // 0 if the difference is 0.
  std::int64_t missing_groups = 0;
};

/// Compares the runs on `resamples` resamples of the plan's groups, the same for both. The same for any number of
/// threads.
///   score: accuracy, macro_f1 or log_loss
/// Requires: resamples > 0, the plan has N rows.
/// Throws: UsageError for another score.
/// Source: paired percentile bootstrap over clusters, Efron and Tibshirani 1993, chapter 13.
Comparison compare_predictions(const PairedPredictions& pair, const FoldPlan& plan, const std::string& score,
                               int resamples);

}  // namespace pleat
