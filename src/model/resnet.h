// ResNets, with torchvision's parameter names.
#pragma once

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// Makes the ResNet with `layers` layers:
///   18, 34  blocks of two 3x3 convolutions, 64 to 512 channels. Source: He et al. 2015, arXiv:1512.03385, table 1.
///   50      blocks of 1x1, 3x3, 1x1 that widen fourfold, with the stride in the 3x3, as in torchvision
///   20      64 channels at most, shortcuts without parameters; its stem is always `small`. Source: ibid., section 4.2,
///           n = 3, option A.
/// Stem `imagenet`: 7x7 stride 2, then max-pool; `small`: 3x3 stride 1. Initial weights as in torchvision.
/// Requires: `config` is resolved: nothing in it is `auto`.
std::shared_ptr<Classifier> make_resnet(int layers, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
