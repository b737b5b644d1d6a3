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

// Probabilities of two classes for rows that are predicted rightly with the given certainty.
torch::Tensor table_of(const std::vector<std::int64_t>& labels, const std::vector<bool>& right) {
  torch::Tensor probs = at::empty({static_cast<std::int64_t>(labels.size()), 2}, at::kDouble);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const std::int64_t guess = right[row] ? labels[row] : 1 - labels[row];
    probs[std::int64_t(row)][guess] = 0.9;
    probs[std::int64_t(row)][1 - guess] = 0.1;
  }
  return probs;
}

struct Pair {
  std::vector<std::int64_t> labels, groups;
  std::vector<bool> first, second;
  Pair() {  // both err on every tenth row; the second also on every fiftieth
    for (std::int64_t row = 0; row < 1000; ++row) {
      labels.push_back(row % 2);
      groups.push_back(row / 5);
      first.push_back(row % 10 != 3);
      second.push_back(row % 10 != 3 && row % 50 != 7);
    }
  }
  TargetsScore score(const std::vector<bool>& right) const {
    return {{{table_of(labels, right)}, at::tensor(labels, at::kLong), group_rows(groups), "accuracy"}};
  }
};

TEST(PairedDifference, OfAModelWithItselfIsZero) {
  const Pair pair;
  const Interval none = paired_difference(pair.score(pair.first), pair.score(pair.first));
  EXPECT_EQ(none.value, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
}

TEST(PairedDifference, IsNarrowerThanThatOfIndependentDraws) {
  const Pair pair;
  const TargetsScore first = pair.score(pair.first), second = pair.score(pair.second);
  const Interval paired = paired_difference(second, first);
  const Interval independent = difference(second.front(), first.front());
  EXPECT_NEAR(paired.value, -0.02, 1e-12);
  EXPECT_LT(paired.high, 0) << "surely behind";
  EXPECT_LT(paired.high - paired.low, 0.6 * (independent.high - independent.low));
  EXPECT_NEAR(whole_score(first), 0.9, 1e-12);
}

TEST(PairedDifference, OfSeveralTargetsIsTheirMean) {
  const Pair pair;
  TargetsScore both = pair.score(pair.first), better = pair.score(pair.first);
  both.push_back(pair.score(pair.second).front());
  better.push_back(pair.score(pair.first).front());
  EXPECT_NEAR(paired_difference(both, better).value, -0.01, 1e-12);
  const Interval own = interval_of(both);
  EXPECT_LT(own.low, own.value);
  EXPECT_GT(own.high, own.value);
}

}  // namespace
}  // namespace pleat
