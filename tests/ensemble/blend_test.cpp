#include "ensemble/blend.h"

#include <gtest/gtest.h>

namespace pleat {
namespace {

TEST(Blend, IsTheMeanInFloat64) {
  const auto a = torch::tensor({0.1f, 0.9f}).reshape({1, 2}), b = torch::tensor({0.5f, 0.5f}).reshape({1, 2});
  const torch::Tensor mean = mean_probs({a, b});
  EXPECT_EQ(mean.scalar_type(), torch::kFloat64);
  EXPECT_DOUBLE_EQ(mean[0][0].item<double>(), (double(0.1f) + 0.5) / 2);
}

TEST(Blend, OfOneIsThatOneAndLeavesItAlone) {
  const auto only = torch::full({2, 3}, 1.0 / 3, torch::kFloat64);
  const torch::Tensor mean = mean_probs({only});
  EXPECT_TRUE(torch::equal(mean, only));
  mean.zero_();
  EXPECT_DOUBLE_EQ(only[0][0].item<double>(), 1.0 / 3);
}

TEST(Blend, OfProbabilitiesIsNeverAboveOne) {
  const auto certain = torch::ones({1, 1}, torch::kFloat64);
  EXPECT_LE(mean_probs(std::vector<torch::Tensor>(7, certain)).max().item<double>(), 1.0);
}

TEST(Blend, OfNothingAndOfDifferentShapesIsABug) {
  EXPECT_THROW(mean_probs({}), std::invalid_argument);
  EXPECT_THROW(mean_probs({torch::zeros({2, 2}), torch::zeros({2, 3})}), std::invalid_argument);
}

}  // namespace
}  // namespace pleat
