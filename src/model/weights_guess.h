// Guesses the network that a file of weights belongs to, for errors about weights that do not fit.
#pragma once

#include <string>

#include "model/classifier.h"

namespace pleat {

/// Returns the other network of pleat's that the tensors belong to, such as "resnet34 with stem: small". The number of
/// classes may differ. Returns "" if they belong to none, or to `config`'s own network.
/// Makes each network in turn, which takes seconds: use it only for errors.
std::string whose_weights(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
