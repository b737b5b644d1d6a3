// Optimizer steps on float32 weights with a bfloat16 copy, in one pass over memory. Free of torch headers.
#pragma once

#include <cstdint>

#include "kernels/wide_float.h"

namespace pleat {

/// `count` weights, their bfloat16 roundings (written), and the gradients of the roundings.
struct RoundedWeights {
  float* values;
  Bf16* roundings;
  const Bf16* gradients;
  std::int64_t count;
};

/// The parameters of one step, as in torch's AdamW.
struct AdamWStep {
  double lr, beta1, beta2, weight_decay, epsilon;
  double number;  // of this step, counted from 1
};

/// AdamW. Source: Loshchilov & Hutter 2019, arXiv:1711.05101.
void adamw_step(const RoundedWeights& weights, float* first_moment, float* second_moment, const AdamWStep& step);

/// SGD with Nesterov momentum; without momentum if `momentum` is null. weight_decay * weight is added to the gradient.
void sgd_step(const RoundedWeights& weights, float* momentum, double lr, double decay, double weight_decay);

}  // namespace pleat
