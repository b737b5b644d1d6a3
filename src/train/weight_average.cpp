#include "train/weight_average.h"

#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>

namespace pleat {

WeightAverage::WeightAverage(const NamedTensors& weights, double decay) : decay_(decay) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : weights) {
    const torch::Tensor average = tensor.detach().clone();
    average_.emplace_back(name, average);
    // Integers and infinities are copied: averaging would round integers, and inf - inf is NaN.
    const bool averaged = tensor.is_floating_point() && at::isfinite(tensor).all().item<bool>();
    (averaged ? averages_ : copies_).push_back(average);
    // Not detached: a detached tensor would keep the old memory after set_data.
    (averaged ? weights_ : copied_).push_back(tensor);
  }
}

void WeightAverage::update(std::int64_t step) {
  const torch::NoGradGuard no_grad;
  const double at = static_cast<double>(step), decay = std::min(decay_, (1.0 + at) / (10.0 + at));
  at::_foreach_lerp_(averages_, weights_, 1.0 - decay);
  for (std::size_t i = 0; i < copies_.size(); ++i) copies_[i].copy_(copied_[i]);
}

void WeightAverage::load(const NamedTensors& state, const std::string& source) { copy_state(average_, state, source); }

}  // namespace pleat
