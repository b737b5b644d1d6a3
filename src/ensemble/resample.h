// Scores on resampled groups, for intervals of scores and of their differences.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "ensemble/row_groups.h"

namespace pleat {

/// Predictions of the same rows by one or several models, scored on resampled groups.
class ResampledScore {
 public:
  ///   tables: each [N, C]; labels [N] int64; groups of the N rows; score: as score_by_name
  ResampledScore(const std::vector<torch::Tensor>& tables, const torch::Tensor& labels, RowGroups groups,
                 std::string score);

  /// The mean over the tables of their score on all rows; higher is better.
  double whole() const;
  /// The same on as many groups as there are, drawn with replacement.
  double drawn(RandomStream& random) const;

 private:
  struct Table {
    std::vector<std::int32_t> guesses;
    std::vector<double> losses;
  };
  double score_of(const std::vector<std::int64_t>& drawn_groups) const;

  RowGroups groups_;
  std::string score_;
  std::int64_t classes_;
  std::vector<std::int32_t> labels_;
  std::vector<Table> tables_;
};

struct Interval {
  double value = 0, low = 0, high = 0;
};

/// The value of all rows, and the interval that holds 95 % of the values of resamples. Requires one value.
Interval percentile_interval(double whole, std::vector<double> resampled);

/// The difference a - b, and the interval that holds 95 % of the differences on `resamples` resamples, drawn
/// independently for a and b. The same for any number of threads.
/// Source: percentile bootstrap, Efron and Tibshirani 1993, chapter 13.
Interval difference(const ResampledScore& a, const ResampledScore& b, int resamples = 1000);

/// Scores of one model on the same rows: of each target. Its score is their mean.
using TargetsScore = std::vector<ResampledScore>;

/// The score on all rows; higher is better.
double whole_score(const TargetsScore& model);

/// The score, and the interval that holds 95 % of the scores on resamples.
Interval interval_of(const TargetsScore& model, int resamples = 1000);

/// The difference a - b, and the interval that holds 95 % of the differences if both are scored on the same drawn
/// groups. Models of the same rows err alike, so it is narrower than the interval of independent draws.
/// Requires: a and b have the same targets, rows and groups.
Interval paired_difference(const TargetsScore& a, const TargetsScore& b, int resamples = 1000);

}  // namespace pleat
