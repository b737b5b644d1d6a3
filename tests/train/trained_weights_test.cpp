#include "train/trained_weights.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <gmock/gmock.h>
#include <torch/utils.h>

#include "base/error.h"
#include "train/precision.h"

namespace pleat {
namespace {

std::shared_ptr<Classifier> network() {
  auto net = make_classifier({.name = "resnet20", .stem = "small"}, {.channels = 3, .classes = 4}, {});
  place_on(*net, at::kCPU);
  net->train();
  return net;
}

torch::Tensor loss_of(Classifier& net) {
  torch::manual_seed(4);
  const auto images = torch::randn({6, 3, 16, 16}).contiguous(at::MemoryFormat::ChannelsLast);
  return at::cross_entropy_loss(forward_logits(net, images, true).to(at::kFloat), torch::randint(4, {6}, at::kLong));
}

TEST(TrainedWeights, RoundingChangesNoBitOfLossOrGradient) {
  const auto plain = network(), same = network();
  const TrainedWeights unrounded(*plain, false), rounded(*same, true);
  const auto a = loss_of(*plain), b = loss_of(*same);
  EXPECT_EQ(a.item<float>(), b.item<float>());
  a.backward();
  b.backward();
  std::size_t roundings = 0;
  for (std::size_t i = 0; i < rounded.trained().size(); ++i) {
    const TrainedParameter &one = unrounded.trained()[i], &other = rounded.trained()[i];
    EXPECT_TRUE(one.network.grad().equal(other.network.grad().to(at::kFloat))) << one.name;
    EXPECT_EQ(other.rounded(), other.value.dim() > 1) << one.name;
    EXPECT_FALSE(one.rounded());
    roundings += other.rounded() ? 1 : 0;
  }
  EXPECT_EQ(roundings, 20U);  // 19 convolutions and the last layer
}

TEST(TrainedWeights, StateIsFullPrecisionUnderTheNetworksNames) {
  const auto net = network();
  const NamedTensors before = state_of(*net);
  std::vector<torch::Tensor> values;
  for (const auto& [name, tensor] : before) values.push_back(tensor.detach().clone());
  const TrainedWeights weights(*net, true);
  ASSERT_EQ(weights.state().size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(weights.state()[i].first, before[i].first);
    EXPECT_TRUE(weights.state()[i].second.equal(values[i])) << before[i].first;
  }
}

TEST(TrainedWeights, LoadingRoundsAnew) {
  const auto from = make_classifier({.name = "resnet20", .stem = "small"}, {.channels = 3, .classes = 4}, {.seed = 9});
  const auto net = network();
  TrainedWeights weights(*net, true);
  weights.load(state_of(*from), "elsewhere");
  for (const TrainedParameter& parameter : weights.trained())
    EXPECT_TRUE(parameter.network.equal(parameter.value.to(parameter.network.scalar_type()))) << parameter.name;
  EXPECT_TRUE(weights.state()[0].second.equal(state_of(*from)[0].second));
  try {
    weights.load({}, "elsewhere");
    FAIL() << "an empty state was taken";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("elsewhere does not fit: missing conv1.weight"));
  }
}

}  // namespace
}  // namespace pleat
