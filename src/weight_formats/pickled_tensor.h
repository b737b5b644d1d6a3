// Converts a pickle's values to tensors and storages. Free of torch headers: this reads untrusted files.
#pragma once

#include <stdexcept>
#include <vector>

#include "weight_formats/pickle.h"

namespace pleat {

/// An error in a pickle. The caller adds the file and the place in the file.
class PickleFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Converts the arguments of torch._utils._rebuild_tensor_v2, or of _rebuild_tensor before PyTorch 0.4.
/// Requires: the first argument is a storage, the third and fourth are tuples.
/// Throws: PickleFault if the tensor reaches beyond its storage, or has more numbers than the storage.
PickledTensor tensor_of(const Pickled& read, const std::vector<PickleId>& arguments);

/// Converts a persistent id: ('storage', class, key, device, count of numbers), and None before PyTorch 1.6.
/// Throws: PickleFault for anything else.
PickledStorage storage_of(const Pickled& read, PickleId persistent);

}  // namespace pleat
