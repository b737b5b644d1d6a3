// Averages a network's weights over the training steps. The average usually predicts better than the last weights.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

/// Exponential moving average (EMA) of parameters and floating-point buffers (BatchNorm's running statistics). Other
/// buffers (counters, masks with infinities) are copied after each step. Each shard keeps its own average; all are
/// equal, since the shards' weights are.
class WeightAverage {
 public:
  /// Starts at the current values of `weights` (parameters and buffers). update() reads the same tensors again.
  ///   decay in (0, 1): share of the old average that an update keeps
  WeightAverage(const NamedTensors& weights, double decay);

  /// Adds the weights after step `step`, from 0. The decay is at most (1 + step) / (10 + step), so that the first,
  /// random weights soon lose their influence.
  void update(std::int64_t step);

  /// The average, under the weights' names. The tensors are the average's own.
  const NamedTensors& state() const { return average_; }
  /// Throws: DataError naming `source` and each tensor that is missing or does not fit.
  void load(const NamedTensors& state, const std::string& source);

 private:
  double decay_;
  NamedTensors average_;
  // Tensors of average_, each paired with its source in the network.
  std::vector<torch::Tensor> averages_, weights_;
  std::vector<torch::Tensor> copies_, copied_;
};

}  // namespace pleat
