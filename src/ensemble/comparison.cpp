#include "ensemble/comparison.h"

#include <algorithm>
#include <cmath>

#include "ensemble/group_bootstrap.h"

namespace pleat {
namespace {

std::vector<double> fold_scores(const GroupBootstrap& pair, const FoldPlan& plan) {
  std::vector<double> scores;
  for (int fold = 0; fold < plan.k; ++fold) {
    const std::vector<std::size_t> mine = held_out(plan, FoldId{fold});
    scores.push_back(mine.empty() ? 0 : pair.score_on(mine));
  }
  return scores;
}

// An interval's width falls with the square root of the number of groups.
std::int64_t missing_groups(const Interval& interval, std::int64_t groups) {
  const double half = (interval.high - interval.low) / 2, size = std::abs(interval.value);
  if (size == 0) return 0;
  constexpr double kMost = 1e15;
  return static_cast<std::int64_t>(
      std::min(kMost, std::max(1.0, std::ceil(static_cast<double>(groups) * (half * half / (size * size) - 1)))));
}

}  // namespace

Comparison compare_predictions(const PairedPredictions& pair, const FoldPlan& plan, const std::string& score,
                               int resamples) {
  const RowGroups groups = group_rows(plan.groups);
  const GroupBootstrap bootstrap({pair.a, pair.b}, pair.labels, groups, score);
  const ScoreIntervals drawn = bootstrap.intervals(resamples);
  Comparison comparison{.score = drawn.score,
                        .class_f1 = drawn.class_f1,
                        .fold_score = fold_scores(bootstrap, plan),
                        .groups = groups.count()};
  if (comparison.score.low > 0) comparison.verdict = Verdict::kBetter;
  if (comparison.score.high < 0) comparison.verdict = Verdict::kWorse;
  if (comparison.verdict == Verdict::kNoEvidence)
    comparison.missing_groups = missing_groups(comparison.score, comparison.groups);
  return comparison;
}

}  // namespace pleat
