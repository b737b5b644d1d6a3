#include "kernels/rounded_step.h"

#include <cmath>

namespace pleat {
namespace {

struct AdamWFactors {
  float keep, beta1, beta2, rate, root, epsilon;
};

PLEAT_WIDE void adamw_loop(const RoundedWeights w, float* first, float* second, const AdamWFactors f) {
  PLEAT_NO_ALIAS
  for (std::int64_t i = 0; i < w.count; ++i) {
    const float gradient = widen(w.gradients[i]);
    const float mean = first[i] + (1.0F - f.beta1) * (gradient - first[i]);
    const float square = f.beta2 * second[i] + (1.0F - f.beta2) * gradient * gradient;
    const float value = w.values[i] * f.keep - f.rate * mean / (std::sqrt(square) * f.root + f.epsilon);
    first[i] = mean;
    second[i] = square;
    w.values[i] = value;
    round_to(value, w.roundings[i]);
  }
}

PLEAT_WIDE void sgd_loop(const RoundedWeights w, float* buffer, float lr, float decay, float weight_decay) {
  PLEAT_NO_ALIAS
  for (std::int64_t i = 0; i < w.count; ++i) {
    const float gradient = widen(w.gradients[i]) + weight_decay * w.values[i];
    const float moving = decay * buffer[i] + gradient;
    const float value = w.values[i] - lr * (gradient + decay * moving);
    buffer[i] = moving;
    w.values[i] = value;
    round_to(value, w.roundings[i]);
  }
}

PLEAT_WIDE void plain_sgd_loop(const RoundedWeights w, float lr, float weight_decay) {
  PLEAT_NO_ALIAS
  for (std::int64_t i = 0; i < w.count; ++i) {
    const float value = w.values[i] - lr * (widen(w.gradients[i]) + weight_decay * w.values[i]);
    w.values[i] = value;
    round_to(value, w.roundings[i]);
  }
}

}  // namespace

void adamw_step(const RoundedWeights& weights, float* first_moment, float* second_moment, const AdamWStep& step) {
  const double unbiased = 1.0 - std::pow(step.beta1, step.number);
  const double unbiased_square = 1.0 - std::pow(step.beta2, step.number);
  adamw_loop(weights, first_moment, second_moment,
             {.keep = static_cast<float>(1.0 - step.lr * step.weight_decay),
              .beta1 = static_cast<float>(step.beta1),
              .beta2 = static_cast<float>(step.beta2),
              .rate = static_cast<float>(step.lr / unbiased),
              .root = static_cast<float>(1.0 / std::sqrt(unbiased_square)),
              .epsilon = static_cast<float>(step.epsilon)});
}

void sgd_step(const RoundedWeights& weights, float* momentum, double lr, double decay, double weight_decay) {
  const auto rate = static_cast<float>(lr), shrink = static_cast<float>(weight_decay);
  if (momentum == nullptr) return plain_sgd_loop(weights, rate, shrink);
  sgd_loop(weights, momentum, rate, static_cast<float>(decay), shrink);
}

}  // namespace pleat
