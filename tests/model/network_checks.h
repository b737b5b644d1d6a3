// Checks shared by the tests of all networks.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <string>

#include "model/classifier.h"

namespace pleat {

inline const RandomKey kInit{.seed = 5, .purpose = Purpose::kInit};

/// Runs on one thread. A network is many small operations; beside other work, their threads would wait for each other
/// ten times as long as they compute.
class NetworkTest : public testing::Test {
 protected:
  NetworkTest() { at::set_num_threads(1); }
  ~NetworkTest() override { at::set_num_threads(before_); }

 private:
  int before_ = at::get_num_threads();
};

inline std::int64_t parameter_count(const Classifier& net) {
  std::int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.numel();
  return count;
}

inline void expect_names_of_parameters(const Classifier& net) {
  const auto parameters = net.named_parameters();
  EXPECT_FALSE(net.product_weights().empty());
  for (const auto& name : net.product_weights()) {
    ASSERT_TRUE(parameters.contains(name)) << name;
    EXPECT_GT(parameters[name].dim(), 1) << name;
  }
  EXPECT_FALSE(net.head_parameters().empty());
  for (const auto& name : net.head_parameters()) EXPECT_TRUE(parameters.contains(name)) << name;
}

inline torch::Tensor logits_after_seed(Classifier& net, const torch::Tensor& images, std::uint64_t seed) {
  torch::manual_seed(seed);
  return net.forward(images).detach();
}

/// Checks that in training the seed decides what `config` drops, and that evaluation drops nothing.
inline void expect_drops_in_training_alone(const ModelConfig& config) {
  SCOPED_TRACE(*config.name);
  const auto net = make_classifier(config, {.channels = 3, .classes = 4}, kInit);
  torch::manual_seed(9);
  const auto images = torch::randn({8, 3, 32, 32}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto first = logits_after_seed(*net, images, 1);
  EXPECT_TRUE(torch::equal(logits_after_seed(*net, images, 1), first));
  EXPECT_FALSE(torch::equal(logits_after_seed(*net, images, 2), first));
  net->eval();
  EXPECT_TRUE(torch::equal(logits_after_seed(*net, images, 1), logits_after_seed(*net, images, 2)));
}

}  // namespace pleat
