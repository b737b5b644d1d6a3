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

/// Parses and checks a whole file. `name` stands in errors. Throws DataError for anything but a file that follows every
/// rule of the format: header length, JSON object, no duplicate key, known dtypes, shapes that do not overflow, offsets
/// contiguous from 0 to the file's end, bytes = shape x dtype. If the metadata carries pleat's `crc32` of the data, it
/// is compared.
SafetensorsFile parse_safetensors(std::string_view file, std::string_view name);

/// A tensor to be written, whose bytes are made when their turn comes: of a checkpoint, no second copy is in memory.
struct TensorToWrite {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::function<void(std::string& file)> append;  // the tensor's bytes, little-endian and row-major, to the file's end
};

/// The file as bytes; adds `crc32` of the data to the metadata. The same input gives the same bytes. Throws
/// std::invalid_argument for two tensors of one name, a dtype that is not known, and bytes that are not shape x dtype.
std::string format_safetensors(const std::vector<TensorToWrite>& tensors, std::map<std::string, std::string> metadata);

}  // namespace pleat
