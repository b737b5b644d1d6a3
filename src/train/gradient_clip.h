// Steps that are kept from being too long.
#pragma once

#include <torch/types.h>

#include <vector>

namespace pleat {

/// Scales the gradients of `parameters` (those that have one) in place so that their Euclidean norm over all of them is
/// at most `most` > 0, and returns what it was. Norms are added in float32 in the given order, so that shards whose
/// gradients are the same scale alike. Source: Pascanu et al. 2013, arXiv:1211.5063.
double clip_gradients(const std::vector<torch::Tensor>& parameters, double most);

}  // namespace pleat
