// The names of Python's that a pickled state dict needs. Free of torch headers: this reads untrusted files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pleat {

/// What becomes of a name that is called.
enum class PickleRole : std::uint8_t { kOrderedDict, kTensor, kParameter, kSize, kStorage };

struct PickleName {
  std::string_view module, name;
  PickleRole role;
  std::string_view dtype = "";  // of a storage's numbers, as safetensors names it
  std::size_t item = 0;         // and the bytes of one
};

/// The place of a name in the table of those that are known. Throws DataError for any other, by that name, before
/// anything could be done with it; `file` stands in the error. `next` is the pickle behind the name, and `first` says
/// whether the pickle begins with it: that tells a whole network.
std::size_t find_pickle_name(std::string_view module, std::string_view name, std::string_view file,
                             std::string_view next, bool first);

const PickleName& pickle_name(std::size_t place);

}  // namespace pleat
