// EfficientNets, with torchvision's parameter names.
#pragma once

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// EfficientNet-B`size`, 0 to 4: blocks of a 1x1 convolution that widens, a depthwise one, squeeze and excitation, and
/// a 1x1 that narrows, with SiLU. Its stem is a 3x3 convolution, of stride 2 for `imagenet` and 1 for `small`, which is
/// for images under about 64 pixels and has the same parameters. `config` is resolved: nothing in it is `auto`. Source:
/// Tan & Le 2019, arXiv:1905.11946; widths, depths and initial weights as in torchvision.
std::shared_ptr<Classifier> make_efficientnet(int size, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
