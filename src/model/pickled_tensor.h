// Tensors and storages out of the values that a pickle has for them. Free of torch headers: this reads untrusted files.
#pragma once

#include <stdexcept>
#include <vector>

#include "model/pickle.h"

namespace pleat {

/// What is wrong with a pickle, for whoever knows its file and the place in it.
class PickleFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Of the arguments of torch._utils._rebuild_tensor_v2, the first a storage, the third and fourth tuples. Throws
/// PickleFault unless all that it shows is inside its storage, of which it shows no more numbers than there are.
PickledTensor tensor_of(const Pickled& read, const std::vector<PickleId>& arguments);

/// Of a persistent id: ('storage', its class, its key, the device it was on, the count of its numbers). Throws
/// PickleFault for anything else.
PickledStorage storage_of(const Pickled& read, PickleId persistent);

}  // namespace pleat
