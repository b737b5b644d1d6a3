#include "ensemble/blend.h"

#include <ATen/ops/stack.h>

#include <stdexcept>

namespace pleat {

torch::Tensor mean_probs(const std::vector<torch::Tensor>& tables) {
  if (tables.empty()) throw std::invalid_argument("no tables to blend");
  torch::Tensor sum = tables.front().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  for (std::size_t i = 1; i < tables.size(); ++i) {
    if (tables[i].sizes() != sum.sizes()) throw std::invalid_argument("probability tables of different shapes");
    sum += tables[i];
  }
  return sum.div_(static_cast<double>(tables.size()));
}

torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables) {
  std::vector<torch::Tensor> means, variances;
  for (const torch::Tensor& table : tables) means.push_back(table.to(at::kDouble).select(1, 0));
  const torch::Tensor mean = mean_probs(means);
  for (const torch::Tensor& table : tables) {
    const torch::Tensor deviation = table.to(at::kDouble).select(1, 1);
    const torch::Tensor away = table.to(at::kDouble).select(1, 0) - mean;
    variances.push_back(deviation * deviation + away * away);
  }
  return at::stack({mean, mean_probs(variances).sqrt()}, 1);
}

}  // namespace pleat
