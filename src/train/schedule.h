// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>

#include "train/train_config.h"

namespace pleat {

/// Learning rate of optimizer step `step` in [0, steps).
/// one_cycle: cosine from lr/25 up to lr over the warm-up, then cosine down to lr/250,000 (Smith & Topin 2017,
/// arXiv:1708.07120; torch's OneCycleLR with its defaults); cosine: linear from lr/warm-up steps, then cosine to 0;
/// constant: linear warm-up, then lr.
double learning_rate(const TrainConfig& config, std::int64_t step, std::int64_t steps);

}  // namespace pleat
