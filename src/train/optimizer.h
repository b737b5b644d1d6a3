// SGD and AdamW in one pass over memory, with state that can be saved and had again exactly.
#pragma once

#include <torch/types.h>

#include <memory>

#include "model/classifier.h"
#include "train/train_config.h"
#include "train/trained_weights.h"

namespace pleat {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Updates the values in place from the network's .grad, and their roundings. Parameters without a gradient are left
  /// alone.
  virtual void step(double lr) = 0;
  /// Everything that continuing needs, by name; tensors are the optimizer's own.
  virtual NamedTensors state() const = 0;
  /// Throws DataError naming `source` and what is missing or does not fit. Restores the strides that the fused kernels
  /// need (state contiguous beside channels_last parameters would be silently wrong).
  virtual void load(const NamedTensors& state, const std::string& source) = 0;
};

/// Weight decay is not applied to tensors of one dimension. Roundings are for CPU alone.
std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters);

}  // namespace pleat
