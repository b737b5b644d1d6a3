// Learning rate as a pure function of the step.
#pragma once

#include <cstdint>

#include "train/train_config.h"

namespace pleat {

/// Learning rate of optimizer step `step` in [0, steps).
///   one_cycle: cosine from lr/25 up to lr over the warm-up, then cosine down to lr/250,000
///   cosine: linear warm-up, then cosine down to 0
///   constant: linear warm-up, then lr
/// Source of one_cycle: Smith & Topin 2017, arXiv:1708.07120, with the defaults of torch's OneCycleLR.
double learning_rate(const TrainConfig& config, std::int64_t step, std::int64_t steps);

}  // namespace pleat
