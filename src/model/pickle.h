// What torch.save's pickle of a state dict or a checkpoint holds, as plain values. Runs nothing: what it knows are data
// and the few names by which PyTorch writes tensors. Free of torch headers: this reads untrusted files.
// Source: CPython's Lib/pickletools.py (protocol 2); PyTorch's torch/serialization.py and torch/_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// The numbers of one or more tensors, in a file of their own.
struct PickledStorage {
  std::string_view key;    // of the file; points into the pickle
  std::string_view dtype;  // as safetensors names it: "F32", "I64", …
  std::size_t item = 0;    // bytes of a number
  std::int64_t count = 0;  // of numbers
};

/// All that it shows is inside its storage, of which it has no more numbers than there are.
struct PickledTensor {
  std::size_t storage = 0;  // place in Pickled::storages
  std::int64_t offset = 0;  // of the first number, in numbers
  std::vector<std::int64_t> shape, strides;
};

enum class PickleKind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kNumber,
  kText,
  kTuple,
  kList,
  kDict,
  kName,
  kStorage,
  kTensor
};

/// "a list", for a message.
const char* kind_name(PickleKind kind);

using PickleId = std::uint32_t;  // place in Pickled::values

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  std::int64_t number = 0;      // of a bool, an int and a name; of a storage or a tensor its place in its list
  std::string_view text;        // of a text; points into the pickle
  std::vector<PickleId> items;  // of a tuple or list; of a dict its keys and values in turn
};

struct Pickled {
  std::vector<PickleValue> values;
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;
  PickleId root = 0;

  const PickleValue& operator[](PickleId id) const { return values[id]; }
};

/// Reads a whole pickle; `file` stands in errors. A list or dict may hold itself. Throws DataError for any instruction,
/// name or shape of arguments that torch.save does not write for plain data and tensors, a name that would be called
/// (os.system, a network's class) by that name; for a tensor beyond its storage; for millions of values.
Pickled read_pickle(std::string_view pickle, std::string_view file);

/// Throws the DataError of a file of weights that breaks the format.
[[noreturn]] void refuse_weights(std::string_view file, const std::string& what);

}  // namespace pleat
