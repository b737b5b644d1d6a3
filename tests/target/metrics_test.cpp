#include "target/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace pleat {
namespace {

constexpr double kTight = 1e-14;

torch::Tensor table(const std::vector<std::vector<double>>& rows) {
  torch::Tensor probs = torch::zeros({std::int64_t(rows.size()), std::int64_t(rows.front().size())}, torch::kFloat64);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < rows[i].size(); ++c) {
      probs.accessor<double, 2>()[std::int64_t(i)][std::int64_t(c)] = rows[i][c];
    }
  }
  return probs;
}

torch::Tensor labels_of(std::vector<std::int64_t> labels) { return torch::tensor(labels, torch::kInt64); }

TEST(Metrics, AreThoseOfAnExampleDoneByHand) {
  // Predicted 0, 1, 1, 2; true 0, 1, 2, 2: F1 is 1, 2/3 and 2/3.
  const auto probs = table({{0.5, 0.25, 0.25}, {0.2, 0.7, 0.1}, {0.1, 0.6, 0.3}, {0.0, 0.2, 0.8}});
  const Scores scores = score(probs, labels_of({0, 1, 2, 2}));
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.75);
  EXPECT_NEAR(scores.macro_f1, (1 + 2.0 / 3 + 2.0 / 3) / 3, kTight);
  EXPECT_NEAR(scores.log_loss, -(std::log(0.5) + std::log(0.7) + std::log(0.3) + std::log(0.8)) / 4, kTight);
}

TEST(Metrics, AClassNeitherLabelledNorPredictedDoesNotCountAndAPredictedOneDoes) {
  const auto probs = table({{0.9, 0.1, 0, 0}, {0.8, 0.2, 0, 0}});
  EXPECT_DOUBLE_EQ(score(probs, labels_of({0, 0})).macro_f1, 1);
  const auto with_a_guess = table({{0.9, 0.1, 0, 0}, {0.1, 0.2, 0.7, 0}});
  EXPECT_NEAR(score(with_a_guess, labels_of({0, 0})).macro_f1, (2.0 / 3 + 0) / 2, kTight);
}

TEST(Metrics, OfEqualProbabilitiesTheFirstClassIsPredicted) {
  const torch::Tensor probs = torch::full({40, 8}, 0.125, torch::kFloat64);
  EXPECT_DOUBLE_EQ(score(probs, torch::zeros({40}, torch::kInt64)).accuracy, 1);
}

TEST(Metrics, LogLossOfACertainMistakeIsClippedByTheTypesEpsilon) {
  const auto probs = table({{1, 0}, {1, 0}});
  const auto labels = labels_of({0, 1});
  EXPECT_NEAR(score(probs, labels).log_loss, -std::log(std::numeric_limits<double>::epsilon()) / 2, 1e-12);
  const double narrow = score(probs.to(torch::kFloat32), labels).log_loss;
  EXPECT_NEAR(narrow, -std::log(std::numeric_limits<float>::epsilon()) / 2, 1e-6);
}

TEST(Metrics, ConfusionHasTrueClassesAsRows) {
  const auto probs = table({{0.9, 0.1}, {0.8, 0.2}, {0.3, 0.7}});
  const torch::Tensor expected = torch::tensor({1, 0, 1, 1}, torch::kInt64).reshape({2, 2});
  EXPECT_TRUE(torch::equal(confusion(probs, labels_of({0, 1, 1})), expected));
}

TEST(Metrics, StridedAndFloat32TablesScoreAsTheirContiguousCopies) {
  const torch::Tensor wide = torch::softmax(torch::arange(60, torch::kFloat64).sin().reshape({3, 20}), 0);
  const torch::Tensor strided = wide.t();  // [20, 3]
  const torch::Tensor labels = torch::arange(20, torch::kInt64).remainder(3);
  EXPECT_EQ(score(strided, labels).log_loss, score(strided.contiguous(), labels).log_loss);
}

TEST(Metrics, NoRowsAreAnError) {
  EXPECT_THROW(score(torch::zeros({0, 3}), torch::zeros({0}, torch::kInt64)), DataError);
}

TEST(Metrics, ValuesThatAreNoProbabilitiesAndLabelsOutOfRangeAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinity, -0.5, 1.5}) {
    EXPECT_THROW(score(table({{0.5, 0.5}, {bad, 0.5}}), labels_of({0, 0})), DataError) << bad;
  }
  for (const std::int64_t bad : {-1, 2}) {
    try {
      score(table({{0.5, 0.5}, {0.5, 0.5}}), labels_of({0, bad}));
      FAIL() << bad;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("row 1"));
    }
  }
}

TEST(Metrics, TablesOfAnotherShapeOrTypeAreABug) {
  const auto labels = labels_of({0, 0});
  EXPECT_THROW(score(torch::zeros({2}), labels), std::invalid_argument);
  EXPECT_THROW(score(torch::zeros({3, 2}), labels), std::invalid_argument);
  EXPECT_THROW(score(torch::zeros({2, 2}, torch::kInt64), labels), std::invalid_argument);
}

TEST(Metrics, AreAskedForByNameSoThatMoreIsBetter) {
  const Scores scores{.accuracy = 0.5, .macro_f1 = 0.25, .log_loss = 2};
  EXPECT_EQ(score_by_name(scores, "accuracy"), 0.5);
  EXPECT_EQ(score_by_name(scores, "macro_f1"), 0.25);
  EXPECT_EQ(score_by_name(scores, "log_loss"), -2);
  EXPECT_THROW(score_by_name(scores, "f1"), UsageError);
}

TEST(Metrics, NumbersAreOffBySoMuch) {
  const auto normal = torch::tensor({{30.0, 2.0}, {40.0, 5.0}, {50.0, 1.0}, {60.0, 9.0}}, torch::kFloat64);
  const NumberScores scores = score_numbers(normal, torch::tensor({31.0, 36.0, 53.0, 60.0}, torch::kFloat64));
  EXPECT_DOUBLE_EQ(scores.mae, (1.0 + 4 + 3 + 0) / 4);
  EXPECT_NEAR(scores.rmse, std::sqrt((1.0 + 16 + 9) / 4), kTight);
  EXPECT_DOUBLE_EQ(scores.within, 0.75);
  EXPECT_THROW(score_numbers(normal.narrow(0, 0, 0), torch::zeros({0}, torch::kFloat64)), DataError);
}

TEST(Metrics, SpreadIsTheSampleStandardDeviation) {
  EXPECT_NEAR(spread({1, 2, 3, 4}), std::sqrt(5.0 / 3), kTight);
  EXPECT_EQ(spread({7}), 0);
  EXPECT_EQ(spread({}), 0);
}

}  // namespace
}  // namespace pleat
