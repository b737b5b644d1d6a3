// RandAugment: applies a few operations to each image, drawn out of fourteen.
#pragma once

#include <torch/types.h>

#include <vector>

#include "base/random.h"
#include "data/augment.h"

namespace pleat {

/// Returns the changed pixels.
///   streams: one per image
///   pixels [n, C, H, W] float32, 0 to 1
/// Source: Cubuk et al. 2019, arXiv:1909.13719; operations and their strengths as in torchvision's RandAugment, with
/// bilinear moves.
torch::Tensor rand_augment(const RandAugmentConfig& config, std::vector<RandomStream>& streams,
                           const torch::Tensor& pixels);

}  // namespace pleat
