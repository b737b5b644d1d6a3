// Optimizers with one pass over memory and state that can be saved and restored exactly. How to add one:
// CONTRIBUTING.md.
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
  /// Updates the values, and their roundings, in place by the network's .grad. Parameters without a gradient stay.
  virtual void step(double lr) = 0;
  /// The tensors needed to resume, by name. They are the optimizer's own, not copies.
  virtual NamedTensors state() const = 0;
  /// Restores state(), in the memory layout that the fused kernels need.
  /// Throws: DataError naming `source` and each tensor that is missing or does not fit.
  virtual void load(const NamedTensors& state, const std::string& source) = 0;
};

/// Makes the optimizer that config.optimizer names. Weight decay is not applied to tensors of one dimension. Roundings
/// exist on the CPU alone.
std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, const std::vector<TrainedParameter>& parameters);

}  // namespace pleat
