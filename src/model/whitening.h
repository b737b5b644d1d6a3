// Starts a network's first convolution as a whitening of its input.
#pragma once

#include <torch/types.h>

#include "model/classifier.h"

namespace pleat {

/// Sets the filters of the first convolution to the principal components of image patches, the largest first, each over
/// its standard deviation, and as many again with the other sign. Filters beyond twice the patch's size keep their
/// values. Constant images leave them all.
///   images [N, C, H, W] float32 on the CPU, normalised, at least as large as the filters
/// Throws: DataError if the network has no convolution of this many channels.
/// Source: Page 2018, "How to train your ResNet"; Jordan 2024, arXiv:2404.00498, which freezes it.
void whiten_first_convolution(Classifier& classifier, const torch::Tensor& images);

}  // namespace pleat
