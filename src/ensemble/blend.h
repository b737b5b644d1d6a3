// Blends several predictions into one.
#pragma once

#include <torch/types.h>

#include <vector>

namespace pleat {

/// Mean of probability tables, each [N, C], as float64. Summed in the given order, so the bits are reproducible.
/// Throws: std::invalid_argument if there are no tables or their shapes differ.
torch::Tensor mean_probs(const std::vector<torch::Tensor>& tables);

/// Mean and standard deviation, [N, 2] float64, of the equal mixture of normal distributions. The mixture is wider
/// where their means differ.
///   tables: each [N, 2], mean and standard deviation
/// Throws: std::invalid_argument if there are no tables or their shapes differ.
torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables);

}  // namespace pleat
