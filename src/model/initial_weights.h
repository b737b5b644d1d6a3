// Reads a network's file of initial weights: safetensors, or a state dict written by torch.save.
#pragma once

#include <string>

#include "model/classifier.h"
#include "model/tensor_file.h"

namespace pleat {

/// Reads tensors by name. The file's contents decide the format, not its name. Of a training script's checkpoint, reads
/// the state dict and logs that once per process.
/// Throws: DataError for a file that cannot be read, is damaged or has another format. The message says what to do with
/// PyTorch's format before 1.6, a whole network or a TorchScript archive.
TensorFile read_weights(const std::string& path);

/// Loads `config.weights` into the classifier. `shape` is the one that the classifier was made with.
/// Removes the prefixes of DataParallel and torch.compile, and logs that. Sets BatchNorm's batch counters to 0 if the
/// file lacks them. With `config.new_head` the last layer keeps its values; the file's last layer is ignored.
/// Throws: everything that read_weights throws.
/// Throws: DataError listing missing, extra and wrong-shaped names. The message says what to do if only the last layer
/// differs, and names the network if the weights belong to another of pleat's.
/// Throws: DataError or UsageError for new_head with an unknown last layer.
void load_weights(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
