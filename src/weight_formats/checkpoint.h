// Finds the state dict in a training script's checkpoint. Free of torch headers: this reads untrusted files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weight_formats/pickle.h"

namespace pleat {

struct FoundState {
  PickleId dict = 0;                // keys and tensors
  std::string key;                  // "state_dict", "ema.module"; empty if the whole file is the state dict
  std::vector<std::string> others;  // keys of other dicts of tensors, which are not read
};

/// Returns the dict of tensors: the whole file, or the one under state_dict, model, model_state_dict, model_state, net,
/// module or ema, also one in the other. All else may hold anything. `file` is named in errors.
/// Throws: DataError if there is none, or several under these keys; for a whole network, its class and what to do.
FoundState find_state(const Pickled& pickled, std::string_view file);

}  // namespace pleat
