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

torch::Tensor weighted_mean(const std::vector<torch::Tensor>& tables, const std::vector<double>& weights) {
  if (tables.size() != weights.size()) throw std::invalid_argument("each table needs a weight");
  torch::Tensor sum;
  double whole = 0;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (weights[i] == 0) continue;
    whole += weights[i];
    const torch::Tensor part = tables[i].to(at::kDouble) * weights[i];
    if (sum.defined() && part.sizes() != sum.sizes())
      throw std::invalid_argument("probability tables of different shapes");
    sum = sum.defined() ? sum.add_(part) : part;
  }
  if (!sum.defined()) throw std::invalid_argument("no tables to blend");
  return sum.div_(whole);
}

torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables) {
  return mix_normals(tables, std::vector<double>(tables.size(), 1.0));
}

torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables, const std::vector<double>& weights) {
  std::vector<torch::Tensor> means, variances;
  for (const torch::Tensor& table : tables)
    means.push_back(table.defined() ? table.to(at::kDouble).select(1, 0) : torch::Tensor());
  const torch::Tensor mean = weighted_mean(means, weights);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (!tables[i].defined()) {
      variances.emplace_back();
      continue;
    }
    const torch::Tensor deviation = tables[i].to(at::kDouble).select(1, 1);
    const torch::Tensor away = means[i] - mean;
    variances.push_back(deviation * deviation + away * away);
  }
  return at::stack({mean, weighted_mean(variances, weights).sqrt()}, 1);
}

}  // namespace pleat
