// Tries a network out of a TorchScript file before training: mistakes in it would cost a run, or go unnoticed.
#pragma once

#include <string>
#include <vector>

#include "model/classifier.h"

namespace pleat {

struct ScriptTrial {
  std::vector<std::string> warnings;  // a line each, with the file
  bool batch_norm = true;             // false: no image of a training batch depends on the others by BatchNorm
};

/// Runs a classifier of make_scripted on random images in both modes. Changes its values and its mode: do not train it
/// afterwards. Warns of dropout and BatchNorm that do not respond to training mode, as in a trace in evaluation mode.
/// Warns of outputs that are probabilities.
/// Throws: DataError if in evaluation it fails for one image or for several, or gives other shapes than [N, classes].
/// Throws: DataError if in evaluation an image's logits differ from call to call, or depend on the other images of its
/// batch, as in a trace in training mode.
/// Throws: DataError if it fails in training mode, or gives other outputs there than logits [N, shape.classes].
ScriptTrial try_script(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
