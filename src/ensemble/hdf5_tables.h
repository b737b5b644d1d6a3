// Reads text lists and tensors from an HDF5 file in memory. Callers hold an Hdf5Lock; every error is an Hdf5Error.
#pragma once

#include <torch/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "data/hdf5_handle.h"

namespace pleat {

/// Requires: `bytes`, a whole file, outlives the call.
Hdf5File open_hdf5(const std::string& bytes);

bool has_object(hid_t parent, const std::string& name);

/// Reads a one-dimensional list of texts, of fixed or variable length.
std::vector<std::string> read_texts(hid_t parent, const char* name);

/// Reads numbers and converts them: to `dtype` kDouble from any floating-point type, to kLong from any integer type.
/// A dataset that claims more values than the file could hold is refused before memory is taken.
torch::Tensor read_tensor(hid_t parent, const char* name, at::ScalarType dtype, std::size_t rank);

}  // namespace pleat
