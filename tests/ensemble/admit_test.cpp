#include "ensemble/admit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace pleat {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Rows of two classes; `sure` is the probability of class 1.
Belief belief_in(const std::vector<double>& sure) {
  torch::Tensor probs = torch::empty({std::int64_t(sure.size()), 2}, torch::kFloat64);
  for (std::size_t i = 0; i < sure.size(); ++i) {
    probs[std::int64_t(i)][0] = 1 - sure[i];
    probs[std::int64_t(i)][1] = sure[i];
  }
  return own_belief(probs);
}

RowGroups each_alone(std::size_t rows) {
  std::vector<std::int64_t> group_of;
  for (std::size_t i = 0; i < rows; ++i) group_of.push_back(static_cast<std::int64_t>(i));
  return group_rows(group_of);
}

TEST(Admit, TakesRowsAtOrAboveTheThreshold) {
  const Belief belief = belief_in({0.95, 0.9, 0.7, 0.05});
  const Admitted admitted = admit_rows(belief, each_alone(4), {.threshold = 0.9}, {0.5, 0.5});
  EXPECT_THAT(admitted.rows, ElementsAre(true, true, false, true));
  EXPECT_EQ(admitted.count, 3);
}

TEST(Admit, AdaptiveThresholdsFollowFreeMatch) {
  // Mean probabilities 0.4 and 0.6; mean confidence 0.75.
  const Belief belief = belief_in({0.9, 0.8, 0.2, 0.5});
  const std::vector<double> thresholds = class_thresholds(belief, {.adaptive = true});
  const double mean = (0.9 + 0.8 + 0.8 + 0.5) / 4;
  EXPECT_THAT(thresholds, ElementsAre(DoubleNear(mean * 0.4 / 0.6, 1e-12), DoubleNear(mean, 1e-12)));
  const Admitted admitted = admit_rows(belief, each_alone(4), {.threshold = 0.99, .adaptive = true}, {0.5, 0.5});
  EXPECT_THAT(admitted.rows, ElementsAre(true, true, true, true));
}

TEST(Admit, QuotasBoundEachClassByItsShare) {
  const Belief belief = belief_in({0.99, 0.98, 0.97, 0.1, 0.2});
  const Admitted admitted = admit_rows(belief, each_alone(5), {.threshold = 0.5, .quotas = true}, {0.6, 0.4});
  EXPECT_THAT(admitted.rows, ElementsAre(true, true, false, true, true));
}

TEST(Admit, ShareKeepsTheMostConfident) {
  const Belief belief = belief_in({0.6, 0.99, 0.7, 0.05});
  const Admitted admitted = admit_rows(belief, each_alone(4), {.threshold = 0, .share = 0.5}, {0.5, 0.5});
  EXPECT_THAT(admitted.rows, ElementsAre(false, true, false, true));
}

TEST(Admit, BlocksAreAdmittedWhole) {
  const RowGroups blocks = group_rows({0, 0, 0, 1});
  const Belief belief = constant_belief(belief_in({0.9, 0.9, 0.9, 0.8}).probs, blocks, {-1, -1});
  const Admitted half = admit_rows(belief, blocks, {.threshold = 0.5, .share = 0.5}, {0.5, 0.5});
  EXPECT_THAT(half.rows, ElementsAre(false, false, false, true));  // two rows fit, but the first block has three
  EXPECT_EQ(admit_rows(belief, blocks, {.threshold = 0.85}, {0.5, 0.5}).count, 3);
}

TEST(Admit, OfNoRowsIsEmpty) {
  const Belief belief = belief_in({});
  EXPECT_EQ(admit_rows(belief, each_alone(0), {.adaptive = true}, {0.5, 0.5}).count, 0);
}

TEST(PseudoWeights, AreConstantOrFallBelowTheMeanConfidence) {
  const Belief belief = belief_in({0.9, 0.8, 0.6});
  const Admitted admitted = admit_rows(belief, each_alone(3), {.threshold = 0.55}, {0.5, 0.5});
  EXPECT_THAT(pseudo_weights(belief, admitted, {.factor = 0.5}), ElementsAre(0.5f, 0.5f, 0.5f));
  const std::vector<float> weights = pseudo_weights(belief, admitted, {.factor = 0.5, .by = "confidence"});
  const double mean = 2.3 / 3,
               variance = (std::pow(0.9 - mean, 2) + std::pow(0.8 - mean, 2) + std::pow(0.6 - mean, 2)) / 3;
  EXPECT_THAT(weights,
              ElementsAre(0.5f, 0.5f,
                          testing::FloatNear(
                              static_cast<float>(0.5 * std::exp(-std::pow(mean - 0.6, 2) / 2 / variance)), 1e-6f)));
}

TEST(PseudoWeights, AreZeroForRowsThatAreNotAdmitted) {
  const Belief belief = belief_in({0.9, 0.6});
  const Admitted admitted = admit_rows(belief, each_alone(2), {.threshold = 0.8}, {0.5, 0.5});
  EXPECT_THAT(pseudo_weights(belief, admitted, {}), ElementsAre(1.0f, 0.0f));
}

}  // namespace
}  // namespace pleat
