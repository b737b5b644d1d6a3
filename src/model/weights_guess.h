// Whose weights a file holds that does not fit the network it was given to.
#pragma once

#include <string>

#include "model/classifier.h"

namespace pleat {

/// Which other network of pleat's own the tensors are of, whatever their number of classes, in words: "resnet34 with
/// stem: small". Empty if they are of none, or of `config`'s own. Makes each network in turn, which takes seconds: for
/// errors alone.
std::string whose_weights(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
