#include "ensemble/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "target/metrics.h"

namespace pleat {
namespace {

// Labels of 0 and 1, and predictions that are wrong with probability `wrong`, alike within a group.
struct Predicted {
  torch::Tensor probs, labels;
  RowGroups groups;

  Predicted(std::int64_t group_count, std::int64_t size, double wrong, std::uint64_t seed) {
    RandomStream random({.seed = seed});
    const std::int64_t rows = group_count * size;
    probs = torch::empty({rows, 2}, torch::kFloat64);
    labels = torch::empty({rows}, torch::kInt64);
    std::vector<std::int64_t> group_of;
    for (std::int64_t group = 0; group < group_count; ++group) {
      const bool miss = random.uniform() < wrong;
      for (std::int64_t i = 0; i < size; ++i) {
        const std::int64_t row = group * size + i, label = group % 2, guess = miss ? 1 - label : label;
        labels[row] = label;
        probs[row][guess] = 0.8;
        probs[row][1 - guess] = 0.2;
        group_of.push_back(group);
      }
    }
    groups = group_rows(group_of);
  }
  ResampledScore score(const char* name = "accuracy") const { return {{probs}, labels, groups, name}; }
};

TEST(Resample, TheWholeIsThePlainScore) {
  const Predicted made(50, 3, 0.3, 1);
  const Scores scores = score(made.probs, made.labels);
  EXPECT_NEAR(made.score("accuracy").whole(), scores.accuracy, 1e-12);
  EXPECT_NEAR(made.score("macro_f1").whole(), scores.macro_f1, 1e-12);
  EXPECT_NEAR(made.score("log_loss").whole(), -scores.log_loss, 1e-12);
}

TEST(Resample, SeveralTablesCountByTheirMean) {
  const Predicted one(50, 3, 0.3, 1), other(50, 3, 0.1, 2);
  const ResampledScore both({one.probs, other.probs}, one.labels, one.groups, "accuracy");
  const ResampledScore second({other.probs}, one.labels, one.groups, "accuracy");
  EXPECT_NEAR(both.whole(), (one.score().whole() + second.whole()) / 2, 1e-12);
}

TEST(Resample, TheIntervalHasTheWidthOfGroupsNotOfRows) {
  const Predicted a(400, 5, 0.3, 1), b(400, 5, 0.3, 2);
  const Interval gap = difference(a.score(), b.score());
  EXPECT_NEAR(gap.value, a.score().whole() - b.score().whole(), 1e-12);
  EXPECT_LT(gap.low, gap.value);
  EXPECT_GT(gap.high, gap.value);
  const double of_groups = 2 * 1.96 * std::sqrt(2 * 0.3 * 0.7 / 400);  // five times as many rows would give 0.45 of it
  EXPECT_NEAR((gap.high - gap.low) / of_groups, 1.0, 0.15);
}

TEST(Resample, IsTheSameAgain) {
  const Predicted a(30, 2, 0.3, 1), b(20, 1, 0.1, 2);
  const Interval first = difference(a.score(), b.score()), again = difference(a.score(), b.score());
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
}

}  // namespace
}  // namespace pleat
