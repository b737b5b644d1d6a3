// The Python names that a pickled state dict needs. Free of torch headers: this reads untrusted files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pleat {

/// The object that a call of a name makes.
enum class PickleRole : std::uint8_t { kOrderedDict, kTensor, kOldTensor, kParameter, kSize, kStorage };

struct PickleName {
  std::string_view module, name;
  PickleRole role;
  std::string_view dtype = "";  // of a storage's numbers, by safetensors' name
  std::size_t item = 0;         // of a storage: bytes per number
};

/// Returns a name's index in the table of known names; none for any other name.
std::optional<std::size_t> find_pickle_name(std::string_view module, std::string_view name);

const PickleName& pickle_name(std::size_t place);

}  // namespace pleat
