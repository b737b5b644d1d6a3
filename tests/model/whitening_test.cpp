#include "model/whitening.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/conv.h>

#include "base/error.h"
#include "model/network_checks.h"

namespace pleat {
namespace {

using WhiteningTest = NetworkTest;

// Smooth images: pixels that are near each other are alike.
torch::Tensor smooth_images(std::int64_t channels) {
  torch::manual_seed(5);
  const torch::Tensor noise = torch::randn({60, channels, 24, 24});
  return torch::avg_pool2d(noise, 5, 1) * 3;
}

void whiten(Classifier& net, const torch::Tensor& images) {
  Whitening whitening(net, images.size(1));
  for (const torch::Tensor& batch : images.split(25)) whitening.add(batch);
  whitening.set_filters();
}

torch::Tensor outputs(const torch::Tensor& images, const torch::Tensor& weight) {
  namespace functional = torch::nn::functional;
  const torch::Tensor all = functional::conv2d(images, weight, functional::Conv2dFuncOptions().stride(2));
  return all.transpose(0, 1).flatten(1).to(at::kDouble);
}

TEST_F(WhiteningTest, FiltersHaveUncorrelatedOutputsOfEqualVarianceAndTheirNegatives) {
  const auto net = make_classifier({.name = "resnet20"}, {3, 4}, kInit);
  const torch::Tensor images = smooth_images(3);
  whiten(*net, images);
  const torch::Tensor weight = net->named_parameters()["conv1.weight"];
  ASSERT_EQ(weight.size(0), 16);
  EXPECT_TRUE(torch::equal(weight.narrow(0, 0, 8), -weight.narrow(0, 8, 8)));
  const torch::Tensor shown = outputs(images, weight.narrow(0, 0, 8));
  const torch::Tensor covariance = shown.cov();
  EXPECT_LT((covariance - torch::eye(8, at::kDouble)).abs().max().item<double>(), 0.05);
}

TEST_F(WhiteningTest, FiltersBeyondTwiceThePatchStay) {
  const auto net = make_classifier({.name = "resnet18", .stem = "small"}, {1, 4}, kInit);
  const torch::Tensor before = net->named_parameters()["conv1.weight"].detach().clone();
  whiten(*net, smooth_images(1));
  const torch::Tensor after = net->named_parameters()["conv1.weight"];
  EXPECT_TRUE(torch::equal(after.narrow(0, 18, 46), before.narrow(0, 18, 46)));  // 3 x 3 x 1 pixels, twice
  EXPECT_FALSE(torch::equal(after.narrow(0, 0, 18), before.narrow(0, 0, 18)));
}

TEST_F(WhiteningTest, ConstantImagesChangeNothing) {
  const auto net = make_classifier({.name = "resnet20"}, {3, 4}, kInit);
  const torch::Tensor before = net->named_parameters()["conv1.weight"].detach().clone();
  whiten(*net, torch::zeros({4, 3, 12, 12}));
  EXPECT_TRUE(torch::equal(net->named_parameters()["conv1.weight"], before));
}

TEST_F(WhiteningTest, RefusesOptionsThatAFileOfWeightsWouldUndo) {
  ModelConfig config{.name = "resnet20", .weights = "w.safetensors", .whiten = true};
  EXPECT_THROW(complete_model(config), UsageError);
  config = {.name = "resnet20", .weights = "w.safetensors", .zero_last_norm = true};
  EXPECT_THROW(complete_model(config), UsageError);
}

}  // namespace
}  // namespace pleat
