// Guesses the network that a file of weights belongs to, for errors about weights that do not fit.
#pragma once

#include <string>

#include "model/classifier.h"

namespace pleat {

struct WeightsGuess {
  std::string name;         // "resnet34"; empty: none
  std::string stem;         // to set besides the name; empty: none
  int channels = 0;         // of its images
  bool other_head = false;  // the last layer has another width, or is missing
};

/// Returns the other network of pleat's that the tensors belong to, or the stem of `config`'s network that they fit.
/// The number of classes may differ. Returns none if they belong to none, or fit `config`'s own network. Makes each
/// network in turn, which takes seconds: use it only for errors.
WeightsGuess network_of_weights(const NamedTensors& tensors, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
