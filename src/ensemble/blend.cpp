#include "ensemble/blend.h"

#include <ATen/ops/stack.h>

#include <stdexcept>

namespace pleat {

torch::Tensor mean_probs(const std::vector<torch::Tensor>& tables) {
  if (tables.empty()) throw std::invalid_argument("there is nothing to blend");
  torch::Tensor sum = tables.front().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  for (std::size_t i = 1; i < tables.size(); ++i) {
    if (tables[i].sizes() != sum.sizes()) throw std::invalid_argument("probability tables of different shapes");
    sum += tables[i];
  }
  return sum.div_(static_cast<double>(tables.size()));
}

torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables) {
  std::vector<torch::Tensor> means, squares;
  for (const torch::Tensor& table : tables) {
    const torch::Tensor values = table.to(at::kDouble), mean = values.select(1, 0), deviation = values.select(1, 1);
    means.push_back(mean);
    squares.push_back(deviation * deviation + mean * mean);
  }
  const torch::Tensor mean = mean_probs(means);
  return at::stack({mean, (mean_probs(squares) - mean * mean).clamp_min(0).sqrt()}, 1);
}

}  // namespace pleat
