// Reads the tensors of a state dict, or of the one in a checkpoint, out of a file of torch.save. Free of torch headers:
// this reads untrusted files.
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
  std::vector<std::string> others;   // the checkpoint's keys with other dicts of tensors
  std::string wrapper;  // the checkpoint's key that held the tensors (find_state); empty: the file is a state dict
};

/// Parses and checks a whole file, of today's format or of the one before PyTorch 1.6 (saved_file.h). `name` is named
/// in errors. Of a training script's checkpoint takes the dict of tensors (checkpoint.h); the rest is skipped, not run.
/// Throws: DataError for anything that saved_file.h or find_state refuses.
/// Throws: DataError for storages that are missing or of another size.
/// Throws: DataError for tensors that share storages so often that they add up to many times the file.
StateDict read_state_dict(std::string_view file, std::string_view name);

}  // namespace pleat
