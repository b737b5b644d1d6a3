#include "train/lr_finder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pleat {
namespace {

// Evaluates a curve with these losses at the rates 1e-6, 1e-5, …
LrFinding finding_of(const std::vector<double>& losses) {
  LrFinding finding;
  for (std::size_t i = 0; i < losses.size(); ++i)
    finding.curve.push_back({.lr = std::pow(10.0, double(i) - 6), .loss = losses[i], .smoothed = losses[i]});
  read_curve(finding);
  return finding;
}

TEST(LrFinder, SuggestsATenthOfTheRateAtTheLeastLoss) {
  std::vector<double> losses(10, 2.3);
  losses[1] = 1.9;  // a single good batch in the first, unsteady steps
  losses.insert(losses.end(), {2.2, 1.2, 0.9, 1.0, 8.0});
  const LrFinding finding = finding_of(losses);
  EXPECT_NEAR(std::log10(finding.suggestion.value()), 12 - 6 - 1, 1e-9);
  EXPECT_NEAR(std::log10(finding.steepest.value()), 11 - 6, 1e-9);
}

TEST(LrFinder, SuggestsNothingOfALossThatNeverFell) {
  EXPECT_FALSE(finding_of({2.3, 2.4, 2.6, 9.0}).suggestion);
  EXPECT_FALSE(finding_of({2.3, 2.2}).suggestion);
}

}  // namespace
}  // namespace pleat
