#include "weight_formats/state_dict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "weight_formats/pickle.h"
#include "weight_formats/zip_archive.h"

namespace pleat {
namespace {

constexpr std::array<std::string_view, 3> kWrappers{"state_dict", "model", "model_state_dict"};
constexpr std::uint64_t kMostSharing = 16;  // bytes of all tensors per byte of the file

// An archive's entries, by name without the archive's one folder.
class SavedArchive {
 public:
  SavedArchive(std::string_view archive, std::string_view file) : file_(file) {
    for (const ZipEntry& entry : read_zip(archive, file)) {
      const std::size_t slash = entry.name.find('/');
      if (slash == std::string::npos) continue;
      const std::string folder = entry.name.substr(0, slash);
      if (folder != folder_.value_or(folder)) refuse_weights(file, "it has more than one folder");
      folder_ = folder;
      entries_[entry.name.substr(slash + 1)] = entry;
    }
  }

  const std::string_view* find(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    if (found->second.deflated) refuse_weights(file_, fmt::format("'{}' in it is compressed", shown(name)));
    return &found->second.stored;
  }

  /// Returns the pickle. Throws unless the archive holds a little-endian state dict.
  std::string_view pickle() const {
    const bool script = std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
      return entry.first == "constants.pkl" || entry.first.starts_with("code/");
    });
    if (script) {
      throw DataError(
          "{}: a TorchScript network, not a file of weights; give it as script: in place of name: and weights:, or "
          "save its weights in Python: torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')",
          file_);
    }
    const auto* const pickle = find("data.pkl");
    if (pickle == nullptr) refuse_weights(file_, "it is a zip archive without data.pkl");
    const auto* const order = find("byteorder");
    if (order != nullptr && *order != "little") {
      throw DataError("{}: written on a machine of another byte order ('{}'); save it again on a little-endian machine",
                      file_, shown(*order));
    }
    return *pickle;
  }

 private:
  std::string_view file_;
  std::optional<std::string> folder_;
  std::map<std::string, ZipEntry> entries_;
};

// Calls visit(offset) for each number in row-major order; `offset` counts numbers from the storage's begin.
template <class Visit>
void walk(const PickledTensor& tensor, const Visit& visit) {
  std::vector<std::int64_t> at(tensor.shape.size(), 0);
  std::int64_t offset = tensor.offset;
  while (true) {
    visit(offset);
    std::size_t dimension = at.size();
    while (dimension > 0 && ++at[dimension - 1] == tensor.shape[dimension - 1]) {
      --dimension;
      offset -= (at[dimension] - 1) * tensor.strides[dimension];
      at[dimension] = 0;
    }
    if (dimension == 0) return;
    offset += tensor.strides[dimension - 1];
  }
}

std::int64_t count_of(const PickledTensor& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;  // no overflow: the tensor lies inside its storage
  return count;
}

bool is_row_major(const PickledTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

class Reader {
 public:
  Reader(std::string_view archive, std::string_view file)
      : file_(file), archive_(archive, file), pickled_(read_pickle(archive_.pickle(), file)) {
    most_bytes_ = kMostSharing * archive.size();
  }

  StateDict read() {
    for (const auto& [name, id] : named_tensors(state()))
      state_.tensors.push_back(
          to_raw(std::string(name), pickled_.tensors[static_cast<std::size_t>(pickled_[id].number)]));
    return std::move(state_);
  }

 private:
  using Named = std::vector<std::pair<std::string_view, PickleId>>;

  bool is_state(const PickleValue& dict) const {
    if (dict.kind != PickleKind::kDict) return false;
    for (std::size_t i = 1; i < dict.items.size(); i += 2) {
      if (pickled_[dict.items[i]].kind != PickleKind::kTensor) return false;
    }
    return true;
  }

  // Returns the dict of tensors: the whole file, or a checkpoint's value under one of kWrappers.
  const PickleValue& state() {
    const PickleValue& root = pickled_[pickled_.root];
    if (root.kind != PickleKind::kDict)
      refuse_weights(file_, fmt::format("it holds {} in place of a state dict", kind_name(root.kind)));
    if (is_state(root)) return root;
    std::vector<std::string_view> keys;
    const PickleValue* found = nullptr;
    for (std::size_t i = 0; i < root.items.size(); i += 2) {
      const PickleValue &key = pickled_[root.items[i]], &value = pickled_[root.items[i + 1]];
      const bool usual = std::find(kWrappers.begin(), kWrappers.end(), key.text) != kWrappers.end();
      if (key.kind != PickleKind::kText || !usual || !is_state(value)) continue;
      keys.push_back(key.text);
      found = &value;
    }
    if (keys.size() > 1) {
      throw DataError(
          "{}: a checkpoint with weights under {}; save the weights that you want in Python: "
          "torch.save(torch.load(FILE)['{}'], 'weights.pth')",
          file_, fmt::join(keys, " and "), keys[0]);
    }
    if (found == nullptr) refuse_stranger(root);
    state_.wrapper = keys[0];
    return *found;
  }

  // Refuses a dict that is not a state dict; names its first value that is not a tensor.
  [[noreturn]] void refuse_stranger(const PickleValue& root) const {
    std::size_t i = 0;
    while (pickled_[root.items[i + 1]].kind == PickleKind::kTensor) i += 2;
    const PickleValue& key = pickled_[root.items[i]];
    throw DataError(
        "{}: '{}' in it is {}, not a tensor, and none of {} holds a state dict; save only the weights in Python: "
        "torch.save(model.state_dict(), 'weights.pth')",
        file_, key.kind == PickleKind::kText ? shown(key.text) : kind_name(key.kind),
        kind_name(pickled_[root.items[i + 1]].kind), fmt::join(kWrappers, ", "));
  }

  Named named_tensors(const PickleValue& dict) const {
    Named named;
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const PickleValue& key = pickled_[dict.items[i]];
      if (key.kind != PickleKind::kText)
        refuse_weights(file_, fmt::format("a tensor in it has {} as its name", kind_name(key.kind)));
      if (utf8_prefix(key.text) != key.text.size())
        refuse_weights(file_, fmt::format("a tensor in it has the name '{}', which is not UTF-8", shown(key.text)));
      if (!names.insert(key.text).second)
        refuse_weights(file_, fmt::format("'{}' appears twice in it", shown(key.text)));
      named.emplace_back(key.text, dict.items[i + 1]);
    }
    return named;
  }

  // Returns a storage's bytes. Its file must have exactly the storage's size.
  std::string_view storage(const PickledStorage& storage) const {
    const auto* const found = archive_.find("data/" + std::string(storage.key));
    if (found == nullptr) refuse_weights(file_, fmt::format("'data/{}' is missing in it", shown(storage.key)));
    // Divides, since multiplying a huge count would overflow.
    const auto count = static_cast<std::uint64_t>(storage.count);
    if (found->size() % storage.item != 0 || found->size() / storage.item != count) {
      refuse_weights(file_, fmt::format("'data/{}' in it has {} bytes, but is a storage of {} {}", shown(storage.key),
                                        found->size(), storage.count, storage.dtype));
    }
    return *found;
  }

  RawTensor to_raw(std::string name, const PickledTensor& tensor) {
    const PickledStorage& stored = pickled_.storages[tensor.storage];
    const std::string_view bytes = storage(stored);
    RawTensor raw{.name = std::move(name), .dtype = std::string(stored.dtype), .shape = tensor.shape};
    const auto count = static_cast<std::size_t>(count_of(tensor));
    if (count == 0) return raw;
    bytes_ += count * stored.item;
    if (bytes_ > most_bytes_)
      refuse_weights(file_, fmt::format("its tensors share storages and reach over {} times its size", kMostSharing));
    if (is_row_major(tensor)) {
      raw.bytes = bytes.substr(static_cast<std::size_t>(tensor.offset) * stored.item, count * stored.item);
      return raw;
    }
    std::string& gathered = state_.gathered.emplace_back();
    gathered.reserve(count * stored.item);
    walk(tensor, [&](std::int64_t offset) {
      gathered.append(bytes.data() + static_cast<std::size_t>(offset) * stored.item, stored.item);
    });
    raw.bytes = gathered;
    return raw;
  }

  std::string_view file_;
  SavedArchive archive_;
  Pickled pickled_;
  std::uint64_t bytes_ = 0, most_bytes_;
  StateDict state_;
};

}  // namespace

StateDict read_state_dict(std::string_view archive, std::string_view name) { return Reader(archive, name).read(); }

}  // namespace pleat
