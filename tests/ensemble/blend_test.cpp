#include "ensemble/blend.h"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(Blend, NormalsThatDisagreeMixToAWiderOne) {
  const torch::Tensor one = torch::tensor({30.0, 3.0}, torch::kFloat64).reshape({1, 2});
  const torch::Tensor other = torch::tensor({40.0, 4.0}, torch::kFloat64).reshape({1, 2});
  EXPECT_TRUE(mix_normals({one}).allclose(one));
  EXPECT_TRUE(mix_normals({one, one}).allclose(one));
  const torch::Tensor mixed = mix_normals({one, other});
  EXPECT_DOUBLE_EQ(mixed[0][0].item<double>(), 35.0);
  EXPECT_NEAR(mixed[0][1].item<double>(), std::sqrt((9.0 + 16.0) / 2 + 25.0), 1e-9);
}

TEST(Blend, OfNothingAndOfDifferentShapesIsABug) {
  EXPECT_THROW(mean_probs({}), std::invalid_argument);
  EXPECT_THROW(mean_probs({torch::zeros({2, 2}), torch::zeros({2, 3})}), std::invalid_argument);
}

}  // namespace
}  // namespace pleat
