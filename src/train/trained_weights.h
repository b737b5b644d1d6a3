// Float32 master weights of a network, which itself may hold bfloat16 copies of them.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

/// One parameter to train. The optimizer updates `value` by the gradient of `network`. `network` is the same tensor, or
/// its bfloat16 rounding, which the optimizer updates too.
struct TrainedParameter {
  std::string name;
  torch::Tensor value, network;
  bool rounded() const { return !value.is_same(network); }
};

/// Wraps parameters without bfloat16 copies.
std::vector<TrainedParameter> unrounded(const NamedTensors& parameters);

class TrainedWeights {
 public:
  /// With `round` the network holds bfloat16 in place of the weights that autocast would round in every step
  /// (Classifier::product_weights). This saves two passes over all weights, and gives the same bits. The gradients of
  /// these weights are bfloat16, too.
  /// Requires: `classifier` outlives this object, and is loaded and saved only through it.
  /// Requires: with `round`, one part per batch; gradients of several parts would be summed in bfloat16.
  TrainedWeights(Classifier& classifier, bool round);

  /// Parameters and buffers in float32, with the names of state_of(classifier).
  const NamedTensors& state() const { return state_; }
  /// Parameters that train.
  const std::vector<TrainedParameter>& trained() const { return trained_; }
  /// The network's tensors of the trained parameters. They receive the gradients.
  std::vector<torch::Tensor> networks() const;
  /// Throws: DataError naming `source` and each tensor that is missing or does not fit.
  void load(const NamedTensors& state, const std::string& source);

 private:
  NamedTensors state_;
  std::vector<TrainedParameter> trained_;
};

}  // namespace pleat
