// ResNets of two-convolution blocks, with torchvision's parameter names.
#pragma once

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// 18 layers, 64 to 512 channels. Stem `imagenet`: 7x7 stride 2, then max-pool; `small`: 3x3 stride 1.
/// Source: He et al. 2015, arXiv:1512.03385, table 1; initial weights as in torchvision.
std::shared_ptr<Classifier> make_resnet18(const ModelConfig& config, const ClassifierShape& shape);

/// 20 layers, 16 to 64 channels, shortcuts without parameters. Its stem is always `small`.
/// Source: He et al. 2015, section 4.2, n = 3, option A.
std::shared_ptr<Classifier> make_resnet20(const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
