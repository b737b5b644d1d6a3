#include "model/layers.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/empty.h>
#include <torch/nn/modules/batchnorm.h>

namespace pleat {
namespace {

// Returns [N, 1, 1, 1]: the factor of each image's branch.
torch::Tensor factors(const torch::Tensor& branch, double skip) {
  return at::empty({branch.size(0), 1, 1, 1}, branch.options()).bernoulli_(1.0 - skip).div_(1.0 - skip);
}

}  // namespace

double skip_probability(double last, std::size_t index, std::size_t count) {
  return last * static_cast<double>(index) / static_cast<double>(count);
}

torch::Tensor add_or_skip(const torch::Tensor& shortcut, const torch::Tensor& branch, double skip) {
  return at::addcmul(shortcut, branch, factors(branch, skip));  // one pass over memory forward, and one backward
}

torch::Tensor skip_images(const torch::Tensor& branch, double skip) { return branch * factors(branch, skip); }

void set_norm_momentum(torch::nn::Module& network, double momentum) {
  network.apply([&](torch::nn::Module& module) {
    if (auto* norm = module.as<torch::nn::BatchNorm2d>()) norm->options.momentum(momentum);
  });
}

std::vector<std::string> matrices_of(const torch::nn::Module& network) {
  std::vector<std::string> names;
  for (const auto& item : network.named_parameters()) {
    if (item.value().dim() > 1) names.push_back(item.key());
  }
  return names;
}

}  // namespace pleat
