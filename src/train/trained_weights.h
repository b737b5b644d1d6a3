// A network's weights as training keeps them: in float32, beside the bfloat16 ones that the network may compute with.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

/// What an optimizer changes: `value`, from the gradient of `network`, which is the same tensor, or its bfloat16
/// rounding, to be kept in step.
struct TrainedParameter {
  std::string name;
  torch::Tensor value, network;
  bool rounded() const { return !value.is_same(network); }
};

/// Each as it is, without a rounding beside it.
std::vector<TrainedParameter> unrounded(const NamedTensors& parameters);

class TrainedWeights {
 public:
  /// `round`: let the network hold bfloat16 in place of those weights that autocast would round in every step anyway
  /// (Classifier::product_weights). Its gradients then are bfloat16 too, to the same bits; two passes over all weights
  /// fall away. Not where gradients of several parts are summed, which would be done in bfloat16. The classifier must
  /// outlive this, and be loaded and saved through it.
  TrainedWeights(Classifier& classifier, bool round);

  /// Parameters and buffers in float32, as state_of(classifier) has them without rounding.
  const NamedTensors& state() const { return state_; }
  /// Those parameters that train.
  const std::vector<TrainedParameter>& trained() const { return trained_; }
  /// Of these, what the network holds, and gradients arrive at.
  std::vector<torch::Tensor> networks() const;
  /// Throws DataError naming `source` and what is missing or does not fit.
  void load(const NamedTensors& state, const std::string& source);

 private:
  NamedTensors state_;
  std::vector<TrainedParameter> trained_;
};

}  // namespace pleat
