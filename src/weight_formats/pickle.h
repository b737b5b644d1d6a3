// Reads torch.save's pickle of a state dict or a checkpoint as plain values. Executes nothing: knows only data and the
// few names that PyTorch writes tensors with, and skips all other objects. Free of torch headers: this reads untrusted
// files. Source: CPython's Lib/pickletools.py (protocol 2); PyTorch's torch/serialization.py and torch/_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// The numbers of one or more tensors, in a file of the archive.
struct PickledStorage {
  std::string_view key;    // name of the file; points into the pickle
  std::string_view dtype;  // as safetensors names it: "F32", "I64", …
  std::size_t item = 0;    // bytes per number
  std::int64_t count = 0;  // of numbers
};

/// A view of a storage. It lies inside the storage, and has no more numbers than the storage.
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
  kTensor,
  kForeign
};

/// "a list", for a message.
const char* kind_name(PickleKind kind);

using PickleId = std::uint32_t;  // place in Pickled::values

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  // A bool's or int's value, or the index of a name, storage, tensor or foreign object in its list.
  std::int64_t number = 0;
  std::string_view text;        // a string's text; points into the pickle
  std::vector<PickleId> items;  // of a tuple or list; a dict's keys and values alternate
};

/// An object of another class, a call of another name, or that name itself. Its contents are skipped.
struct PickledForeign {
  std::string name;      // "argparse.Namespace", as it is in the file
  bool network = false;  // has a torch.nn.Module's attributes
};

struct Pickled {
  std::vector<PickleValue> values;
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;
  std::vector<PickledForeign> foreign;
  PickleId root = 0;

  const PickleValue& operator[](PickleId id) const { return values[id]; }
};

/// Reads a whole pickle. `file` is named in errors. A list or dict may contain itself.
/// Throws: DataError for an instruction or arguments that torch.save does not write.
/// Throws: DataError for a tensor beyond its storage, and for more than 4,000,000 values.
Pickled read_pickle(std::string_view pickle, std::string_view file);

/// Reads the pickle at the begin of `bytes`, and sets `size` to its bytes.
Pickled read_pickle_at_begin(std::string_view bytes, std::string_view file, std::size_t& size);

/// Throws: DataError, always, for a foreign object in place of weights. The message says what to do with a whole
/// network.
///   where: "'w' in it", or empty for the whole file
[[noreturn]] void refuse_foreign(const PickledForeign& foreign, const std::string& where, std::string_view file);

/// Throws: DataError, always: `file` breaks the format in the way that `what` says.
[[noreturn]] void refuse_weights(std::string_view file, const std::string& what);

}  // namespace pleat
