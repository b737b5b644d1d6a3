// An optimizer's step on weights that have a bfloat16 rounding beside them: one pass over memory. Free of torch
// headers.
#pragma once

#include <cstdint>

#include "model/wide_float.h"

namespace pleat {

/// `count` weights, their roundings (written), and the gradients of these.
struct RoundedWeights {
  float* values;
  Bf16* roundings;
  const Bf16* gradients;
  std::int64_t count;
};

/// Of the step that is done, as numbers; see torch's AdamW for what they are.
struct AdamWStep {
  double lr, beta1, beta2, weight_decay, epsilon;
  double number;  // of the step, from 1
};

/// Source: Loshchilov & Hutter 2019, arXiv:1711.05101.
void adamw_step(const RoundedWeights& weights, float* first_moment, float* second_moment, const AdamWStep& step);

/// Nesterov momentum; momentum null: none. weight_decay is added to the gradient.
void sgd_step(const RoundedWeights& weights, float* momentum, double lr, double decay, double weight_decay);

}  // namespace pleat
