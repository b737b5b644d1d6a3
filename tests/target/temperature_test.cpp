#include "target/temperature.h"

#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace pleat {
namespace {

double log_loss(const torch::Tensor& logits, const torch::Tensor& labels, double temperature) {
  return -at::log_softmax(logits / temperature, 1).gather(1, labels.unsqueeze(1)).mean().item<double>();
}

// Logits whose labels are drawn from their own softmax, so that the right temperature is about `scale`.
std::pair<torch::Tensor, torch::Tensor> calibrated(double scale, std::int64_t rows) {
  RandomStream random({.seed = 7});
  torch::Tensor logits = torch::empty({rows, 4}, torch::kFloat64), labels = torch::empty({rows}, torch::kInt64);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t c = 0; c < 4; ++c) logits[i][c] = 6 * random.uniform();
    const torch::Tensor up_to = logits[i].softmax(0).cumsum(0);
    const double draw = random.uniform();
    labels[i] = (up_to < draw).sum().clamp_max(3);
  }
  return {logits * scale, labels};
}

TEST(Temperature, FindsTheScaleOfOversureAndUndersureLogits) {
  for (const double scale : {0.4, 1.0, 3.0}) {
    const auto [logits, labels] = calibrated(scale, 4000);
    EXPECT_NEAR(fit_temperature(logits, labels) / scale, 1.0, 0.05) << scale;
  }
}

TEST(Temperature, IsTheMinimumOfTheLogLoss) {
  const auto [logits, labels] = calibrated(2.0, 200);
  const double best = fit_temperature(logits, labels);
  for (const double other : {best * 0.99, best * 1.01})
    EXPECT_LT(log_loss(logits, labels, best), log_loss(logits, labels, other));
}

TEST(Temperature, IsBoundedWhereAllRowsAreRightOrWrong) {
  const torch::Tensor logits = torch::tensor({2.0, 0.0, 1.0, 0.0}, torch::kFloat64).reshape({2, 2});
  EXPECT_NEAR(fit_temperature(logits, torch::zeros({2}, torch::kInt64)), kLeastTemperature, 1e-6);
  EXPECT_NEAR(fit_temperature(logits, torch::ones({2}, torch::kInt64)), kMostTemperature, 1e-6);
  EXPECT_DOUBLE_EQ(fit_temperature(torch::zeros({3, 2}), torch::zeros({3}, torch::kInt64)), 1.0);  // nothing to say
}

TEST(Temperature, NeedsARow) {
  EXPECT_THROW(fit_temperature(torch::zeros({0, 2}), torch::zeros({0}, torch::kInt64)), DataError);
}

}  // namespace
}  // namespace pleat
