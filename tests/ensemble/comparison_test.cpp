#include "ensemble/comparison.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/types.h>

#include <array>
#include <cmath>

#include "base/random.h"

namespace pleat {
namespace {

using testing::ElementsAre;

FoldPlan plan_of(const std::vector<std::string>& groups, int k = 2) {
  FoldPlan plan{.k = k, .groups = groups, .fold_of = {{}}};
  for (std::size_t row = 0; row < groups.size(); ++row) {
    plan.ids.push_back("r" + std::to_string(row));
    plan.fold_of[0].push_back(static_cast<int>(row % static_cast<std::size_t>(k)));
  }
  return plan;
}

// Predictions that guess these classes with probability 0.8.
torch::Tensor guesses(const std::vector<std::int64_t>& classes, std::int64_t count) {
  torch::Tensor probs = torch::full({std::int64_t(classes.size()), count}, 0.2 / double(count - 1), torch::kFloat64);
  for (std::size_t row = 0; row < classes.size(); ++row) probs[std::int64_t(row)][classes[row]] = 0.8;
  return probs;
}

torch::Tensor labels_of(const std::vector<std::int64_t>& labels) { return torch::tensor(labels, torch::kInt64); }

TEST(Comparison, DifferencesOfScoreClassesAndFoldsAreThoseOfAllRows) {
  const std::vector<std::int64_t> labels = {0, 0, 1, 1};
  const PairedPredictions pair{guesses({0, 0, 1, 0}, 2), guesses({0, 1, 0, 0}, 2), labels_of(labels)};
  const Comparison compared = compare_predictions(pair, plan_of({"a", "b", "c", "d"}), "accuracy", 100);
  EXPECT_DOUBLE_EQ(compared.score.value, 0.75 - 0.25);
  ASSERT_EQ(compared.class_f1.size(), 2U);
  EXPECT_DOUBLE_EQ(compared.class_f1[0].value, 2.0 * 2 / (2 + 3) - 2.0 * 1 / (2 + 3));
  EXPECT_DOUBLE_EQ(compared.class_f1[1].value, 2.0 * 1 / (2 + 1) - 0);
  EXPECT_THAT(compared.fold_score, ElementsAre(0.5, 0.5)) << "rows 0 and 2, rows 1 and 3";
  EXPECT_EQ(compared.groups, 4);
}

TEST(Comparison, LogLossCountsTheOtherWayRound) {
  const std::vector<std::int64_t> right = {0, 1, 0, 1}, wrong = {1, 0, 1, 0};
  const PairedPredictions pair{guesses(right, 2), guesses(wrong, 2), labels_of(right)};
  const Comparison compared = compare_predictions(pair, plan_of({"a", "b", "c", "d"}), "log_loss", 100);
  EXPECT_NEAR(compared.score.value, std::log(0.8) - std::log(0.2), 1e-12);
  EXPECT_EQ(compared.verdict, Verdict::kBetter);
}

TEST(Comparison, EqualPredictionsGiveNoEvidenceAndNoNumberOfGroups) {
  const std::vector<std::int64_t> labels = {0, 1, 0, 1};
  const PairedPredictions pair{guesses({0, 1, 1, 1}, 2), guesses({0, 1, 1, 1}, 2), labels_of(labels)};
  const Comparison compared = compare_predictions(pair, plan_of({"a", "b", "c", "d"}), "macro_f1", 100);
  EXPECT_EQ(compared.verdict, Verdict::kNoEvidence);
  EXPECT_EQ(compared.missing_groups, 0);
  EXPECT_EQ(compared.score.low, 0);
  EXPECT_EQ(compared.score.high, 0);
}

// One person's 40 photos, all right in one run and wrong in the other, are one observation.
TEST(Comparison, WholeGroupsAreDrawn) {
  std::vector<std::int64_t> labels(80, 0), a(80, 0), b(80, 0);
  std::vector<std::string> by_person, alone;
  for (std::size_t row = 0; row < 80; ++row) {
    labels[row] = std::int64_t(row % 2);
    a[row] = labels[row];
    b[row] = row < 40 ? 1 - labels[row] : labels[row];
    by_person.push_back(row < 40 ? "one" : "p" + std::to_string(row));
    alone.push_back("r" + std::to_string(row));
  }
  const PairedPredictions pair{guesses(a, 2), guesses(b, 2), labels_of(labels)};
  const Comparison persons = compare_predictions(pair, plan_of(by_person), "accuracy", 2000);
  EXPECT_EQ(persons.groups, 41);
  EXPECT_EQ(persons.verdict, Verdict::kNoEvidence) << persons.score.low;
  EXPECT_GT(persons.missing_groups, 0);
  EXPECT_EQ(compare_predictions(pair, plan_of(alone), "accuracy", 2000).verdict, Verdict::kBetter);
}

TEST(Comparison, IsTheSameOnOneAndOnSeveralThreads) {
  const std::vector<std::int64_t> labels = {0, 1, 2, 0, 1, 2, 0, 1, 2};
  const PairedPredictions pair{guesses({0, 1, 2, 0, 0, 0, 1, 1, 1}, 3), guesses({0, 0, 2, 0, 1, 0, 1, 2, 1}, 3),
                               labels_of(labels)};
  const FoldPlan plan = plan_of({"a", "a", "b", "b", "c", "c", "d", "d", "e"}, 3);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Comparison one = compare_predictions(pair, plan, "macro_f1", 501);
  at::set_num_threads(3);
  const Comparison three = compare_predictions(pair, plan, "macro_f1", 501);
  at::set_num_threads(threads);
  EXPECT_EQ(one.score.low, three.score.low);
  EXPECT_EQ(one.score.high, three.score.high);
  EXPECT_EQ(one.class_f1[2].high, three.class_f1[2].high);
}

// Persons of three kinds, with five photos each. Run r is right about a photo with probability right[r][label][kind].
class Simulation {
 public:
  using Right = std::array<std::array<std::array<double, 3>, 2>, 2>;
  explicit Simulation(const Right& right) : right_(right) {}

  // Class 1 has a third of the persons.
  PairedPredictions draw(std::uint64_t number, FoldPlan& plan) const {
    RandomStream random({.purpose = Purpose::kPixels, .sample = number});
    std::vector<std::int64_t> labels, guess[2];
    std::vector<std::string> groups;
    for (int person = 0; person < 90; ++person) {
      const std::int64_t label = random.below(3) == 0;
      const std::uint32_t kind = random.below(3);
      for (int photo = 0; photo < 5; ++photo) {
        labels.push_back(label);
        groups.push_back("p" + std::to_string(person));
        for (std::size_t run = 0; run < 2; ++run)
          guess[run].push_back(random.uniform() < right_[run][std::size_t(label)][kind] ? label : 1 - label);
      }
    }
    plan = plan_of(groups);
    return {guesses(guess[0], 2), guesses(guess[1], 2), labels_of(labels)};
  }

  // The difference in macro F1 of the whole population.
  double truth() const { return macro_f1(0) - macro_f1(1); }

 private:
  double macro_f1(std::size_t run) const {
    const auto mean = [&](std::size_t label) {
      const auto& kinds = right_[run][label];
      return (kinds[0] + kinds[1] + kinds[2]) / 3;
    };
    const double of[2] = {2.0 / 3, 1.0 / 3};
    double sum = 0;
    for (std::size_t c = 0; c < 2; ++c) {
      const double hit = of[c] * mean(c), guessed = hit + of[1 - c] * (1 - mean(1 - c));
      sum += 2 * hit / (of[c] + guessed);
    }
    return sum / 2;
  }

  Right right_;
};

struct Tally {
  int covered = 0, better = 0, worse = 0;
};

Tally tally_of(const Simulation& simulation) {
  Tally tally;
  for (std::uint64_t number = 0; number < 1000; ++number) {
    FoldPlan plan;
    const PairedPredictions pair = simulation.draw(number, plan);
    const Comparison compared = compare_predictions(pair, plan, "macro_f1", 400);
    tally.covered += compared.score.low <= simulation.truth() && simulation.truth() <= compared.score.high;
    tally.better += compared.verdict == Verdict::kBetter;
    tally.worse += compared.verdict == Verdict::kWorse;
  }
  return tally;
}

TEST(Comparison, NinetyFiveOfAHundredIntervalsHoldTheTrueDifference) {
  const Tally tally =
      tally_of(Simulation({{{{{0.95, 0.8, 0.6}, {0.9, 0.7, 0.4}}}, {{{0.9, 0.75, 0.6}, {0.9, 0.6, 0.3}}}}}));
  EXPECT_GE(tally.covered, 930);
  EXPECT_LE(tally.covered, 970);
  EXPECT_GT(tally.better, 300) << "of a true difference of 0.05";
  EXPECT_LE(tally.worse, 5);
}

TEST(Comparison, EquallyGoodRunsAreCalledBetterInAtMostFiveOfAHundred) {
  const Tally tally =
      tally_of(Simulation({{{{{0.95, 0.8, 0.6}, {0.9, 0.7, 0.4}}}, {{{0.95, 0.8, 0.6}, {0.9, 0.7, 0.4}}}}}));
  EXPECT_LE(tally.better, 50);
  EXPECT_LE(tally.worse, 50);
  EXPECT_GE(tally.covered, 930);
}

}  // namespace
}  // namespace pleat
