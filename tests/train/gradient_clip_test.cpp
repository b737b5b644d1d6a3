#include "train/gradient_clip.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>

namespace pleat {
namespace {

torch::Tensor with_gradient(const torch::Tensor& gradient) {
  torch::Tensor parameter = at::zeros_like(gradient).set_requires_grad(true);
  parameter.mutable_grad() = gradient.clone();
  return parameter;
}

TEST(ClipGradients, ScalesAllOfThemToTheNormThatIsAllowed) {
  const std::vector<torch::Tensor> parameters{with_gradient(torch::tensor({3.0F})), torch::zeros({2}),
                                              with_gradient(torch::tensor({0.0F, 4.0F}))};
  EXPECT_NEAR(clip_gradients(parameters, 1.0), 5.0, 1e-6);
  EXPECT_NEAR(parameters[0].grad()[0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(parameters[2].grad()[1].item<double>(), 0.8, 1e-6);
  EXPECT_FALSE(parameters[1].grad().defined());
}

TEST(ClipGradients, LeavesShortStepsAndLostOnesAlone) {
  const std::vector<torch::Tensor> parameters{with_gradient(torch::tensor({3.0F, 4.0F}))};
  EXPECT_NEAR(clip_gradients(parameters, 5.5), 5.0, 1e-6);
  EXPECT_EQ(parameters[0].grad()[1].item<float>(), 4.0F);
  const std::vector<torch::Tensor> lost{with_gradient(torch::tensor({NAN, 4.0F}))};
  clip_gradients(lost, 1.0);
  EXPECT_EQ(lost[0].grad()[1].item<float>(), 4.0F);
  const std::vector<torch::Tensor> infinite{with_gradient(torch::tensor({INFINITY, 4.0F})),
                                            with_gradient(torch::tensor({1e30F}))};  // its square overflows
  clip_gradients(infinite, 1.0);
  EXPECT_EQ(infinite[0].grad()[1].item<float>(), 4.0F);
  EXPECT_EQ(infinite[1].grad()[0].item<float>(), 1e30F);
  EXPECT_EQ(clip_gradients({torch::zeros({2})}, 1.0), 0.0);
}

}  // namespace
}  // namespace pleat
