#include "train/gradient_clip.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <cmath>

namespace pleat {

double clip_gradients(const std::vector<torch::Tensor>& parameters, double most) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients, norms;
  for (const torch::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    gradients.push_back(parameter.grad());
    norms.push_back(at::linalg_vector_norm(gradients.back(), 2, std::nullopt, false, at::kFloat));
  }
  if (gradients.empty()) return 0.0;
  const double norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
  // If the norm is not finite, scaling cannot help: the next loss check ends the job.
  if (std::isfinite(norm) && norm > most) at::_foreach_mul_(gradients, most / norm);
  return norm;
}

}  // namespace pleat
