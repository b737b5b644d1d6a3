// The file of weights that a network starts from: safetensors, or what torch.save writes of a state dict.
#pragma once

#include <string>

#include "model/classifier.h"
#include "model/tensor_file.h"

namespace pleat {

/// Tensors by name, of either format; what is in the file tells which, not its name. Of a checkpoint of a training
/// script the state dict in it, which the log then says, once in a process. Throws DataError for a file that cannot be
/// read, is neither (PyTorch's format before 1.6, a whole network and a TorchScript archive by name, with what to do),
/// or is damaged.
TensorFile read_weights(const std::string& path);

/// Gives the classifier the values of `config.weights`. Names that all begin as DataParallel's or torch.compile's do
/// are taken without that, which the log says; the batch counters of BatchNorm, which older files lack, become 0. With
/// `config.new_head` the parameters of the last layer keep their values, and the file's are not looked at. Throws what
/// read_weights throws; DataError listing missing, extra and wrong-shaped names, with what to do if only the last layer
/// has another width, or whose weights they are if another of pleat's networks has them; DataError if new_head is asked
/// for and the last layer is not known. `shape` is what the classifier was made with.
void load_weights(Classifier& classifier, const ModelConfig& config, const ClassifierShape& shape);

}  // namespace pleat
