// Networks out of TorchScript files, which launch/export_model.py makes of timm's and torchvision's, as classifiers
// like pleat's own.
#pragma once

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// The network in `config.script`, with the weights that are in the file. Its state has the names it had in Python. It
/// computes as it is written, operation by operation, so that a step does not depend on how many went before it.
/// Throws DataError, in one line, for a file that cannot be read, is no TorchScript archive, or is damaged; for a
/// network whose forward is not images to logits [N, shape.classes], that does not take the images of `shape`, or whose
/// parameters are none, not float32, or one under two names.
std::shared_ptr<Classifier> make_scripted(const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
