#include "train/lr_finder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pleat {
namespace {

// A loss over rates 1e-6, 1e-5, … as given.
LrFinding finding_of(const std::vector<double>& losses) {
  LrFinding finding;
  for (std::size_t i = 0; i < losses.size(); ++i)
    finding.curve.push_back({.lr = std::pow(10.0, double(i) - 6), .loss = losses[i], .smoothed = losses[i]});
  read_curve(finding);
  return finding;
}

TEST(LrFinder, SuggestsATenthOfTheRateAtTheLeastLoss) {
  const LrFinding finding = finding_of({2.3, 2.2, 1.2, 0.9, 1.0, 8.0});
  EXPECT_NEAR(finding.suggestion.value(), 1e-4, 1e-12);
  EXPECT_NEAR(finding.steepest.value(), 1e-4, 1e-12);
}

TEST(LrFinder, SuggestsNothingOfALossThatNeverFell) {
  EXPECT_FALSE(finding_of({2.3, 2.4, 2.6, 9.0}).suggestion);
  EXPECT_FALSE(finding_of({2.3, 2.2}).suggestion);
}

}  // namespace
}  // namespace pleat
