// How the gradients of a step's parts become one sum, in .grad of every parameter: three ways, chosen once.
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
  /// Adds the gradients of one part; undefined loss: an empty part. `last`: of this shard's parts.
  virtual void backward(const torch::Tensor& loss, bool last) = 0;
  /// Leaves the sum over all parts of all shards in .grad, defined for every parameter.
  virtual void end_step() = 0;
};

/// One shard: autograd's own accumulation.
std::unique_ptr<GradientSum> make_plain_sum(std::vector<torch::Tensor> parameters);

/// Several shards: c10d::Reducer, which sums over the shards while backward goes on.
std::unique_ptr<GradientSum> make_reduced_sum(std::vector<torch::Tensor> parameters,
                                              c10::intrusive_ptr<c10d::ProcessGroup> group);

/// A fixed binary tree over the parts; group: null for one shard. Throws UsageError if the parameters are not all of
/// one type.
std::unique_ptr<GradientSum> make_exact_sum(std::vector<torch::Tensor> parameters,
                                            c10::intrusive_ptr<c10d::ProcessGroup> group);

}  // namespace pleat
