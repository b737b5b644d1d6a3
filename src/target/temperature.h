// Softmax temperature, which corrects probabilities that are too sure or too unsure.
#pragma once

#include <torch/types.h>

namespace pleat {

/// Bounds of a fitted temperature. They hold where a few rows are all right, or all wrong.
inline constexpr double kLeastTemperature = 0.1, kMostTemperature = 10;

/// Returns the temperature T, dimensionless, for which softmax(logits / T) has the least log-loss.
///   logits [N, C] float32 or float64; labels [N] int64 in [0, C)
/// Throws: DataError if N == 0.
/// Source: Guo et al. 2017, arXiv:1706.04599.
double fit_temperature(const torch::Tensor& logits, const torch::Tensor& labels);

}  // namespace pleat
