#include "ensemble/group_bootstrap.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "target/metrics.h"

namespace pleat {
namespace {

struct Drawn {
  torch::Tensor probs, labels;
  std::vector<std::int64_t> groups;
};

// Rows of two classes that are guessed rightly with probability `right`. All rows of a group are right, or none.
Drawn draw(std::int64_t groups, std::int64_t rows_of_group, double right, std::uint64_t seed) {
  const std::int64_t rows = groups * rows_of_group;
  Drawn drawn{torch::empty({rows, 2}, torch::kFloat64), torch::empty({rows}, torch::kInt64), {}};
  RandomStream random({.seed = seed, .purpose = Purpose::kResample});
  for (std::int64_t row = 0; row < rows; ++row) {
    static bool hit = false;
    if (row % rows_of_group == 0) hit = random.uniform() < right;
    const std::int64_t label = row % 2, guess = hit ? label : 1 - label;
    drawn.labels[row] = label;
    drawn.probs[row][guess] = 0.9;
    drawn.probs[row][1 - guess] = 0.1;
    drawn.groups.push_back(row / rows_of_group);
  }
  return drawn;
}

TEST(GroupBootstrap, OneTablesValuesAreItsScores) {
  const Drawn drawn = draw(30, 2, 0.7, 1);
  const Scores scores = score(drawn.probs, drawn.labels);
  for (const char* name : {"accuracy", "macro_f1", "log_loss"}) {
    const GroupBootstrap bootstrap({drawn.probs}, drawn.labels, group_rows(drawn.groups), name);
    const ScoreIntervals found = bootstrap.intervals(200);
    EXPECT_NEAR(found.score.value, score_by_name(scores, name), 1e-12) << name;
    EXPECT_LE(found.score.low, found.score.value) << name;
    EXPECT_GE(found.score.high, found.score.value) << name;
    EXPECT_NEAR((found.class_f1[0].value + found.class_f1[1].value) / 2, scores.macro_f1, 1e-12) << name;
  }
}

TEST(GroupBootstrap, ScoresOfSomeRowsAreThoseOfTheRows) {
  const Drawn drawn = draw(20, 1, 0.6, 2);
  const GroupBootstrap bootstrap({drawn.probs}, drawn.labels, group_rows(drawn.groups), "accuracy");
  const std::vector<std::size_t> rows = {0, 3, 5, 11};
  const torch::Tensor places = torch::tensor({0, 3, 5, 11}, torch::kInt64);
  const Scores expected = score(drawn.probs.index_select(0, places), drawn.labels.index_select(0, places));
  EXPECT_NEAR(bootstrap.score_on(rows), expected.accuracy, 1e-12);
}

// 95 % intervals hold the true accuracy about 95 times of 100; rows drawn alone would hold it far less often.
TEST(GroupBootstrap, IntervalsHoldTheTruthWhenGroupsErrTogether) {
  constexpr int kTrials = 300;
  int by_group = 0, by_row = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Drawn drawn = draw(120, 5, 0.75, std::uint64_t(trial) + 10);
    std::vector<std::int64_t> alone(drawn.groups.size());
    for (std::size_t i = 0; i < alone.size(); ++i) alone[i] = std::int64_t(i);
    const auto holds = [&](const std::vector<std::int64_t>& groups) {
      const Interval found = GroupBootstrap({drawn.probs}, drawn.labels, group_rows(groups), "accuracy").intervals(400).score;
      return found.low <= 0.75 && 0.75 <= found.high;
    };
    by_group += holds(drawn.groups);
    by_row += holds(alone);
  }
  EXPECT_GE(by_group, kTrials * 91 / 100);
  EXPECT_LE(by_group, kTrials * 98 / 100);
  EXPECT_LT(by_row, kTrials * 75 / 100);
}

TEST(GroupBootstrap, AnUnknownScoreIsRefused) {
  const Drawn drawn = draw(4, 1, 0.5, 3);
  EXPECT_THROW(GroupBootstrap({drawn.probs}, drawn.labels, group_rows(drawn.groups), "auc"), UsageError);
}

}  // namespace
}  // namespace pleat
