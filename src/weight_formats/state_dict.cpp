#include "weight_formats/state_dict.h"

#include <fmt/format.h>

#include <cstring>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "weight_formats/checkpoint.h"
#include "weight_formats/saved_file.h"

namespace pleat {
namespace {

constexpr std::uint64_t kMostSharing = 16;  // bytes of all tensors per byte of the file

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
  Reader(std::string_view bytes, std::string_view file)
      : file_(file), saved_(is_old_save(bytes) ? read_old_save(bytes, file) : read_saved_archive(bytes, file)) {
    most_bytes_ = kMostSharing * bytes.size();
  }

  StateDict read() {
    FoundState found = find_state(saved_.pickled, file_);
    state_.wrapper = std::move(found.key);
    state_.others = std::move(found.others);
    for (const auto& [name, id] : named_tensors(pickled()[found.dict]))
      state_.tensors.push_back(
          to_raw(std::string(name), pickled().tensors[static_cast<std::size_t>(pickled()[id].number)]));
    return std::move(state_);
  }

 private:
  using Named = std::vector<std::pair<std::string_view, PickleId>>;

  const Pickled& pickled() const { return saved_.pickled; }

  Named named_tensors(const PickleValue& dict) const {
    Named named;
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const PickleValue& key = pickled()[dict.items[i]];
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
    const auto entry = saved_.entries.find(std::string(storage.key));
    if (entry == saved_.entries.end())
      refuse_weights(file_, fmt::format("its storage '{}' is missing", shown(storage.key)));
    if (entry->second.deflated)
      refuse_weights(file_, fmt::format("its storage '{}' is compressed", shown(storage.key)));
    const std::string_view found = entry->second.stored;
    // Divides, since multiplying a huge count would overflow.
    const auto count = static_cast<std::uint64_t>(storage.count);
    if (found.size() % storage.item != 0 || found.size() / storage.item != count) {
      refuse_weights(file_, fmt::format("its storage '{}' has {} bytes, expected {} numbers of type {}",
                                        shown(storage.key), found.size(), storage.count, storage.dtype));
    }
    return found;
  }

  RawTensor to_raw(std::string name, const PickledTensor& tensor) {
    const PickledStorage& stored = pickled().storages[tensor.storage];
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
  SavedFile saved_;
  std::uint64_t bytes_ = 0, most_bytes_;
  StateDict state_;
};

}  // namespace

StateDict read_state_dict(std::string_view file, std::string_view name) { return Reader(file, name).read(); }

}  // namespace pleat
