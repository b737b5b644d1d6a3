// An average of a network's weights over the steps of its training, which predicts better than the last step's alone.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

/// Exponential moving average (EMA) of parameters and floating-point buffers (BatchNorm's running statistics); other
/// buffers (counters, and masks with infinities in them) are as after the last step. Shards, whose weights are equal,
/// each keep their own: the averages are equal too.
class WeightAverage {
 public:
  /// Starts at the weights (parameters and buffers) as they are, and follows these tensors.
  ///   decay in (0, 1): the share of the earlier average that a step leaves, once there are many
  WeightAverage(const NamedTensors& weights, double decay);

  /// Takes up the weights after step `step`, from 0. The decay of early steps is (1 + step) / (10 + step) if that is
  /// less, so that the first weights, which are random, are soon forgotten.
  void update(std::int64_t step);

  /// By the weights' names; tensors are the average's own.
  const NamedTensors& state() const { return average_; }
  /// Throws DataError naming `source` and what is missing or does not fit.
  void load(const NamedTensors& state, const std::string& source);

 private:
  double decay_;
  NamedTensors average_;
  // The same tensors, in pairs of an average and what it is taken of.
  std::vector<torch::Tensor> averages_, weights_;
  std::vector<torch::Tensor> copies_, copied_;
};

}  // namespace pleat
