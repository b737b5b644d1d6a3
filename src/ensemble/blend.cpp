#include "ensemble/blend.h"

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

}  // namespace pleat
