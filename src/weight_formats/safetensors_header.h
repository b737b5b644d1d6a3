// The JSON header of a safetensors file. Free of torch headers: this reads untrusted files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct SafetensorsEntry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> offsets;  // begin and end in the data
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  // in the header's order
};

/// Reads the header's text. `file` is named in errors.
/// Throws: DataError for anything but an object of tensors, each with dtype, shape and two data_offsets and nothing
/// else, without duplicate keys, and with at most one __metadata__ of strings.
SafetensorsHeader read_safetensors_header(std::string_view json, std::string_view file);

/// Throws: DataError, always: `file` breaks the format in the way that `what` says.
[[noreturn]] void refuse_safetensors(std::string_view file, const std::string& what);

}  // namespace pleat
