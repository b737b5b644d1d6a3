// Sums over a fixed binary tree: ((0+1)+(2+3))+((4+5)+(6+7)) and so on, on whichever shards the leaves are.
// Floating-point sums depend on their order; the fixed tree makes them the same for any number of shards.
#pragma once

#include <torch/types.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

namespace pleat {

/// Sums one shard's leaves as they arrive, like a binary counter: two sums over equally many leaves are merged at once.
/// Holds at most log2(leaves) + 1 tensors.
class TreeSum {
 public:
  /// Reuses `leaf`'s memory.
  void add(torch::Tensor leaf);
  /// Returns the sum and clears it. Requires: the number of leaves is a power of two.
  torch::Tensor take();

 private:
  struct Subtree {
    torch::Tensor sum;
    int leaves;
  };
  std::vector<Subtree> stack_;
};

/// Collective. Replaces `flat` (contiguous, one-dimensional) by the sum over all shards, in a binary tree. The result
/// is byte-identical on every shard. Requires: the number of shards is a power of two.
void tree_sum_over_shards(c10d::ProcessGroup& group, torch::Tensor& flat);

}  // namespace pleat
