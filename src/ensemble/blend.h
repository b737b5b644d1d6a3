// Several predictions into one.
#pragma once

#include <torch/types.h>

#include <vector>

namespace pleat {

/// Mean of probability tables, each [N, C]; summed in float64 in the given order, so the same bits every time.
/// Throws std::invalid_argument if there are none or shapes differ.
torch::Tensor mean_probs(const std::vector<torch::Tensor>& tables);

/// Of tables of normal distributions, each [N, 2] mean and standard deviation: mean and deviation [N, 2] float64 of the
/// even mixture of them, which is wider the less they agree. Throws as mean_probs.
torch::Tensor mix_normals(const std::vector<torch::Tensor>& tables);

}  // namespace pleat
