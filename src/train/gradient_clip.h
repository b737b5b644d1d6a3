// Clips the gradient norm.
#pragma once

#include <torch/types.h>

#include <vector>

namespace pleat {

/// Scales the gradients of `parameters` in place, so that their common Euclidean norm is at most `most` > 0. Parameters
/// without a gradient are skipped. Returns the norm before scaling; one that is not finite leaves the gradients
/// unchanged. Norms are added in float32 in the given order, so shards with equal gradients get equal bits.
/// Source: Pascanu et al. 2013, arXiv:1211.5063.
double clip_gradients(const std::vector<torch::Tensor>& parameters, double most);

}  // namespace pleat
