// Scores of predictions, or differences between two runs' predictions, on resampled groups. Whole groups are drawn,
// since a person's photos err alike.
#pragma once

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ensemble/resample.h"
#include "ensemble/row_groups.h"

namespace pleat {

struct ScoreIntervals {
  Interval score;
  std::vector<Interval> class_f1;  // 0 for a class without rows and guesses
};

/// Counts groups that err alike once, so 10,000 resamples of 100,000 rows take seconds (log-loss: twice as long).
class GroupBootstrap {
 public:
  ///   tables: one, [N, C] rows that sum to 1, for its scores; two, for the first's scores less the second's
  ///   labels: [N] int64 in [0, C); groups: of the N rows
  ///   score: accuracy, macro_f1 or log_loss; log_loss is negated
  /// Throws: UsageError for another score.
  GroupBootstrap(const std::vector<torch::Tensor>& tables, const torch::Tensor& labels, RowGroups groups,
                 std::string score);
  ~GroupBootstrap();

  /// Of some rows. Requires: rows is not empty.
  double score_on(const std::vector<std::size_t>& rows) const;
  /// With the intervals that hold 95 % of the values on `resamples` resamples. The same for any number of threads.
  /// Requires: resamples > 0.
  /// Source: percentile bootstrap over clusters, Efron and Tibshirani 1993, chapter 13.
  ScoreIntervals intervals(int resamples) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
