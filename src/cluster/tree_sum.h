// Sums over a fixed binary tree: ((0+1)+(2+3))+((4+5)+(6+7)) and so on, whoever holds the leaves. Floating-point
// sums depend on their order, so this is what makes the result of V parts the same for any number of shards.
#pragma once

#include <torch/types.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

namespace pleat {

/// The leaves of one shard, one after another, as a binary counter counts: two sums over as many leaves become one,
/// so that log2(leaves) + 1 tensors are alive at most.
class TreeSum {
 public:
  /// Takes `leaf`'s memory.
  void add(torch::Tensor leaf);
  /// The sum over all leaves, a power of two; empty again afterwards.
  torch::Tensor take();

 private:
  struct Subtree {
    torch::Tensor sum;
    int leaves;
  };
  std::vector<Subtree> stack_;
};

/// Replaces `flat` (contiguous, one-dimensional) by the sum over all shards' over a binary tree; shards: a power of
/// two. Every shard computes the same bits. Collective.
void tree_sum_over_shards(c10d::ProcessGroup& group, torch::Tensor& flat);

}  // namespace pleat
