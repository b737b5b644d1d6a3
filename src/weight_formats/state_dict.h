// Reads the zip archive that torch.save writes for a state dict: a pickle, and one file per storage. Free of torch
// headers: this reads untrusted files.
// Source: PyTorch's torch/serialization.py, _save and _load.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "weight_formats/safetensors.h"

namespace pleat {

struct StateDict {
  std::vector<RawTensor> tensors;    // in the file's order; their bytes point into the archive or into `gathered`
  std::deque<std::string> gathered;  // row-major copies of tensors with other strides
  std::string wrapper;               // the checkpoint's key that held the tensors; empty: the file is a state dict
};

/// Parses and checks a whole file. `name` is named in errors. Also reads a training script's checkpoint: the dict of
/// tensors under `state_dict`, `model` or `model_state_dict`. The rest must be plain data, and is ignored.
/// Throws: DataError for anything that read_zip or read_pickle refuses.
/// Throws: DataError for storages that are missing, of another size or big-endian.
/// Throws: DataError for a TorchScript archive, a whole network, or values that are not tensors.
/// Throws: DataError for tensors that share storages so often that they add up to many times the file.
StateDict read_state_dict(std::string_view archive, std::string_view name);

}  // namespace pleat
