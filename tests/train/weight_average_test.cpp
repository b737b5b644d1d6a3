#include "train/weight_average.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "model/tensor_file.h"

namespace pleat {
namespace {

// One tensor of each kind in a network: a weight, a running statistic, a counter and a mask.
struct TinyNet : Classifier {
  TinyNet() {
    weight = register_parameter("weight", torch::zeros({2, 3, 2, 2}));
    running = register_buffer("running", torch::ones({3}));
    count = register_buffer("count", torch::zeros({}, torch::kLong));
    mask = register_buffer("mask", torch::full({2}, -std::numeric_limits<float>::infinity()));
  }
  torch::Tensor forward(const torch::Tensor& images) override { return images; }

  void step() {
    const torch::NoGradGuard no_grad;
    weight.add_(1);
    running.mul_(2);
    count.add_(1);
  }
  torch::Tensor weight, running, count, mask;
};

torch::Tensor named(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [each, tensor] : tensors) {
    if (each == name) return tensor;
  }
  throw std::out_of_range(name);
}

TEST(WeightAverage, FollowsTheWeightsWithADecayThatRises) {
  TinyNet net;
  WeightAverage average(state_of(net), 0.3);
  double weight = 0, running = 1;
  for (int step = 0; step < 6; ++step) {
    net.step();
    average.update(step);
    const double decay = std::min(0.3, (1.0 + step) / (10.0 + step));  // 0.1, 0.18, 0.25, then 0.3
    weight = decay * weight + (1 - decay) * (step + 1);
    running = decay * running + (1 - decay) * (2 << step);
    EXPECT_NEAR(named(average.state(), "weight").max().item<double>(), weight, 1e-5 * weight);
    EXPECT_NEAR(named(average.state(), "weight").min().item<double>(), weight, 1e-5 * weight);
    EXPECT_NEAR(named(average.state(), "running")[2].item<double>(), running, 1e-5 * running);
  }
}

TEST(WeightAverage, CopiesCountersAndLeavesMasksAsTheyAre) {
  TinyNet net;
  WeightAverage average(state_of(net), 0.9);
  net.step();
  net.step();
  average.update(0);
  EXPECT_EQ(named(average.state(), "count").item<std::int64_t>(), 2);
  EXPECT_TRUE(named(average.state(), "mask").equal(net.mask));
  EXPECT_EQ(named(average.state(), "count").scalar_type(), torch::kLong);
}

TEST(WeightAverage, OfWeightsThatStandStillIsThoseWeightsToTheBit) {
  TinyNet net;
  {
    const torch::NoGradGuard no_grad;
    net.weight.uniform_(-1, 1);
  }
  WeightAverage average(state_of(net), 0.99);
  for (int step = 0; step < 50; ++step) average.update(step);
  EXPECT_EQ(tensors_to_bytes(average.state()), tensors_to_bytes(state_of(net)));
}

TEST(WeightAverage, IsTheSameWhateverTheMemoryFormat) {
  TinyNet rows, channels_last;
  const torch::Tensor start = torch::arange(24, torch::kFloat).reshape({2, 3, 2, 2}) / 7;
  const torch::NoGradGuard no_grad;
  rows.weight.copy_(start);
  channels_last.weight.copy_(start);
  WeightAverage a(state_of(rows), 0.9), b(state_of(channels_last), 0.9);
  // place_on does the same: from here on the parameter has other memory.
  channels_last.weight.set_data(channels_last.weight.contiguous(at::MemoryFormat::ChannelsLast));
  for (int step = 0; step < 5; ++step) {
    rows.weight.mul_(1.5);
    channels_last.weight.mul_(1.5);
    a.update(step);
    b.update(step);
  }
  EXPECT_EQ(tensors_to_bytes(a.state()), tensors_to_bytes(b.state()));
  EXPECT_FALSE(named(a.state(), "weight").equal(start)) << "it must have moved to show anything";
}

TEST(WeightAverage, GoesOnFromItsSavedStateToTheSameBits) {
  TinyNet net;
  WeightAverage whole(state_of(net), 0.9), first(state_of(net), 0.9);
  net.step();
  whole.update(0);
  first.update(0);
  const std::string saved = tensors_to_bytes(first.state());
  WeightAverage second(state_of(net), 0.9);
  second.load(tensors_from_bytes(saved, "saved").tensors, "saved");
  net.step();
  whole.update(1);
  second.update(1);
  EXPECT_EQ(tensors_to_bytes(whole.state()), tensors_to_bytes(second.state()));
  EXPECT_THROW(second.load({}, "saved"), DataError);
}

}  // namespace
}  // namespace pleat
