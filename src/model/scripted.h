// Classifiers from TorchScript files, made by launch/export_model.py from a network of timm, torchvision or your own.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>

#include "model/classifier.h"

namespace pleat {

/// Loads the network in `config.script`, with the weights in the file. Its state has the names it had in Python.
/// Runs it operation by operation, without optimisation, so that a step does not depend on the number of earlier steps.
/// Throws: DataError, in one line, for a file that cannot be read, is damaged, or is not a TorchScript archive.
/// Throws: DataError for a network that does not turn images of `shape` into logits [N, shape.classes].
/// Throws: DataError for a network without parameters, or with one that is not float32 or has two names.
std::shared_ptr<Classifier> make_scripted(const ModelConfig& config, const ClassifierShape& shape);

/// The TorchScript module of a classifier that make_scripted made; null for any other. It lives as long as the
/// classifier.
const torch::jit::Module* script_of(const Classifier& classifier);

}  // namespace pleat
