// The safetensors format: a JSON header, then raw tensors. Free of torch headers: this reads untrusted files.
// Source: huggingface/safetensors, format section of its README.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

struct RawTensor {
  std::string name;
  std::string dtype;  // "F32", "I64", …
  std::vector<std::int64_t> shape;
  std::string_view bytes;  // little-endian, row-major; points into the parsed file
};

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::vector<RawTensor> tensors;  // by offset
};

/// Parses and checks a whole file. `name` is named in errors. If the metadata has pleat's `crc32`, the data must match.
/// Throws: DataError for a file that breaks a rule of the format: header length, JSON object, no duplicate key, known
/// dtypes, shapes that do not overflow, offsets contiguous from 0 to the file's end, bytes = shape x dtype.
SafetensorsFile parse_safetensors(std::string_view file, std::string_view name);

/// A tensor to write. Its bytes are made on demand, so that no second copy of a checkpoint is in memory.
struct TensorToWrite {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::function<void(std::string& file)> append;  // appends the bytes to `file`, little-endian and row-major
};

/// Returns the file as bytes, with `crc32` of the data in the metadata. The same input gives the same bytes.
/// Throws: std::invalid_argument for two tensors of one name, an unknown dtype, and bytes that are not shape x dtype.
std::string format_safetensors(const std::vector<TensorToWrite>& tensors, std::map<std::string, std::string> metadata);

}  // namespace pleat
