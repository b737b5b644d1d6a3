#include "cluster/tree_sum.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pleat {

void TreeSum::add(torch::Tensor leaf) {
  Subtree right{std::move(leaf), 1};
  while (!stack_.empty() && stack_.back().leaves == right.leaves) {
    Subtree left = std::move(stack_.back());
    stack_.pop_back();
    left.sum.add_(right.sum);
    left.leaves += right.leaves;
    right = std::move(left);
  }
  stack_.push_back(std::move(right));
}

torch::Tensor TreeSum::take() {
  if (stack_.size() != 1) throw std::logic_error("TreeSum: the number of leaves is not a power of two");
  torch::Tensor sum = std::move(stack_.back().sum);
  stack_.clear();
  return sum;
}

void tree_sum_over_shards(c10d::ProcessGroup& group, torch::Tensor& flat) {
  // Each shard gathers all values and adds them itself, in windows, which limits memory to about 16 MB per shard.
  constexpr std::int64_t kWindow = std::int64_t{1} << 22;
  const int shards = group.getSize();
  for (std::int64_t from = 0; from < flat.numel(); from += kWindow) {
    torch::Tensor mine = flat.narrow(0, from, std::min(kWindow, flat.numel() - from));
    torch::Tensor all = at::empty({shards * mine.numel()}, mine.options());
    group.all_gather_single(all, mine)->wait();
    const std::vector<torch::Tensor> parts = all.chunk(shards);
    for (std::size_t width = 1; width < parts.size(); width *= 2) {
      for (std::size_t left = 0; left < parts.size(); left += 2 * width) parts[left].add_(parts[left + width]);
    }
    mine.copy_(parts[0]);
  }
}

}  // namespace pleat
