// Test data for optimizers: parameters with typical shapes, gradients and learning rates for each step.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/classifier.h"
#include "train/train_config.h"

namespace pleat {

inline TrainConfig config_of(const std::string& optimizer) {
  TrainConfig config;
  config.optimizer = optimizer;
  config.weight_decay = 0.1;
  config.momentum = 0.8;
  config.beta2 = 0.95;
  return config;
}

// A 3x3 convolution, a 1x1 convolution, a matrix and a bias.
inline NamedTensors parameters_of(std::uint64_t seed, at::MemoryFormat format = at::MemoryFormat::Contiguous) {
  torch::manual_seed(seed);
  NamedTensors parameters;
  for (const auto& [name, shape] : std::vector<std::pair<std::string, std::vector<std::int64_t>>>{
           {"conv.weight", {8, 6, 3, 3}}, {"point.weight", {8, 6, 1, 1}}, {"fc.weight", {5, 7}}, {"fc.bias", {5}}}) {
    auto value = torch::randn(shape);
    if (value.dim() == 4) value = value.contiguous(format);
    parameters.emplace_back(name, value.requires_grad_());
  }
  return parameters;
}

// Sets the gradients of step `step`, in the parameters' memory format. They depend on the step only.
inline void set_gradients(const NamedTensors& parameters, int step) {
  torch::manual_seed(1000 + static_cast<std::uint64_t>(step));
  for (const auto& [name, parameter] : parameters) {
    const auto values = torch::randn(parameter.sizes());
    torch::Tensor(parameter).mutable_grad() = torch::empty_like(parameter.detach()).copy_(values);
  }
}

inline double rate(int step) { return 0.01 * (1 + step % 3); }

inline void expect_close(const NamedTensors& a, const NamedTensors& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = (a[i].second - b[i].second).abs().max().item<double>();
    EXPECT_LE(difference, tolerance) << a[i].first;
  }
}

}  // namespace pleat
