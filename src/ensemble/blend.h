// Blends several predictions into one.
#pragma once

#include <torch/types.h>

#include <vector>

namespace pleat {

/// Mean of probability tables, each [N, C], as float64. Summed in the given order, so the bits are reproducible.
/// Throws: std::invalid_argument if there are no tables or their shapes differ.
torch::Tensor mean_probs(const std::vector<torch::Tensor>& tables);

/// Weighted mean of probability tables, each [N, C], as float64: the weighted sum, divided by the sum of the weights.
///   weights: one per table, >= 0, not all 0; tables with weight 0 may be undefined
/// Throws: std::invalid_argument if no table has a weight, or if shapes differ.
torch::Tensor weighted_mean(const std::vector<torch::Tensor>& tables, const std::vector<double>& weights);

/// Mean and standard deviation, [N, 2] float64, of the mixture of normal distributions. The mixture is wider where
/// their means differ.
///   tables: each [N, 2], mean and standard deviation
///   weights: as for weighted_mean; default: equal
/// Throws: std::invalid_argument if there are no tables or their shapes differ.
torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables);
torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables, const std::vector<double>& weights);

}  // namespace pleat
