// Sums the gradients of a step's parts into .grad of every parameter. Three implementations.
#pragma once

#include <torch/types.h>

#include <memory>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

namespace pleat {

class GradientSum {
 public:
  virtual ~GradientSum() = default;
  /// Clears .grad of every parameter.
  virtual void begin_step() = 0;
  /// Adds the gradients of one part. `loss`: undefined for an empty part; `last`: the last part of this shard.
  virtual void backward(const torch::Tensor& loss, bool last) = 0;
  /// Sets .grad of every parameter to the sum over all parts of all shards.
  virtual void end_step() = 0;
};

/// For one shard: autograd accumulates.
std::unique_ptr<GradientSum> make_plain_sum(std::vector<torch::Tensor> parameters);

/// For several shards: c10d::Reducer sums over the shards while backward runs.
std::unique_ptr<GradientSum> make_reduced_sum(std::vector<torch::Tensor> parameters,
                                              c10::intrusive_ptr<c10d::ProcessGroup> group);

/// Sums over a fixed binary tree of the parts. `group`: null for one shard.
/// Throws: UsageError if the parameters have several dtypes.
std::unique_ptr<GradientSum> make_exact_sum(std::vector<torch::Tensor> parameters,
                                            c10::intrusive_ptr<c10d::ProcessGroup> group);

}  // namespace pleat
