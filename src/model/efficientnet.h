// EfficientNets, with torchvision's parameter names.
#pragma once

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// Makes EfficientNet-B`size`, with `size` from 0 to 4.
/// A block is a widening 1x1 convolution, a depthwise one, squeeze and excitation, and a narrowing 1x1, with SiLU.
/// The stem is a 3x3 convolution: stride 2 for `imagenet`, stride 1 for `small`, for images under about 64 pixels. Both
/// stems have the same parameters.
/// Requires: `config` is resolved: nothing in it is `auto`.
/// Source: Tan & Le 2019, arXiv:1905.11946. Widths, depths and initial weights as in torchvision, except for the last
/// layer.
std::shared_ptr<Classifier> make_efficientnet(int size, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
