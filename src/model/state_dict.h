// The zip archive that torch.save writes of a state dict: a pickle, and a file for each storage. Free of torch headers:
// this reads untrusted files.
// Source: PyTorch's torch/serialization.py, _save and _load.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "model/safetensors.h"

namespace pleat {

struct StateDict {
  std::vector<RawTensor> tensors;    // in the file's order; their bytes point into the archive or into `gathered`
  std::deque<std::string> gathered;  // row-major copies of tensors that have other strides
  std::string wrapper;               // under which key of a checkpoint they were; empty: the file is the state dict
};

/// Parses and checks a whole file; `name` stands in errors. A checkpoint of a training script is taken if one of
/// `state_dict`, `model` and `model_state_dict` holds a dict of tensors and the rest is data too, which is left aside.
/// Throws DataError for what read_zip and read_pickle refuse; for storages that are not there, of another size or
/// big-endian; for a TorchScript archive, a whole network, values that are no tensors; for tensors that share storages
/// so often that they would come to many times the file.
StateDict read_state_dict(std::string_view archive, std::string_view name);

}  // namespace pleat
