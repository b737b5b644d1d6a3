#include "train/schedule.h"

#include <cmath>
#include <numbers>

namespace pleat {
namespace {

constexpr double kStartDivisor = 25.0, kEndDivisor = 1e4;  // torch's defaults

// Half a cosine from `start` (part 0) to `end` (part 1).
double cosine(double start, double end, double part) {
  return end + (start - end) / 2.0 * (1.0 + std::cos(std::numbers::pi * part));
}

double one_cycle(double lr, double warmup, double step, double steps) {
  if (steps == 1.0) return lr;  // unlike torch: its only step would have the lowest rate and learn nothing
  const double start = lr / kStartDivisor, end = start / kEndDivisor;
  const double top = warmup * steps - 1.0;  // may be negative or fractional, as in torch
  if (top > 0.0 && step <= top) return cosine(start, lr, step / top);
  return cosine(lr, end, (step - top) / (steps - 1.0 - top));
}

// A warm-up of w steps rises linearly from lr/w to lr.
double after_linear_warmup(double lr, double warmup, double step, double steps, bool decays) {
  const double warm_steps = std::floor(warmup * steps);
  if (step < warm_steps) return lr * (step + 1.0) / warm_steps;
  return decays ? cosine(lr, 0.0, (step - warm_steps) / (steps - warm_steps)) : lr;
}

}  // namespace

double learning_rate(const TrainConfig& config, std::int64_t step, std::int64_t steps) {
  const auto at = static_cast<double>(step), all = static_cast<double>(steps);
  if (config.schedule == "one_cycle") return one_cycle(config.lr, config.warmup, at, all);
  return after_linear_warmup(config.lr, config.warmup, at, all, config.schedule == "cosine");
}

}  // namespace pleat
