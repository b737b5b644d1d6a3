#include "weight_formats/pickled_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "weight_formats/pickle_names.h"

namespace pleat {
namespace {

constexpr std::size_t kMostDimensions = 16;

[[noreturn]] void refuse(const std::string& what) { throw PickleFault(what); }

std::int64_t size_of(const Pickled& read, PickleId id, const char* what) {
  const PickleValue& given = read[id];
  if (given.kind != PickleKind::kInt || given.number < 0) refuse(fmt::format("a tensor in it has an invalid {}", what));
  return given.number;
}

std::vector<std::int64_t> sizes_of(const Pickled& read, PickleId tuple) {
  const auto& items = read[tuple].items;
  if (items.size() > kMostDimensions)
    refuse(fmt::format("a tensor in it has more than {} dimensions", kMostDimensions));
  std::vector<std::int64_t> all;
  for (const PickleId item : items) all.push_back(size_of(read, item, "size or stride"));
  return all;
}

// Sizes of 0 count as 1 in the overflow check: strides are products of the other sizes.
void check_inside(const PickledTensor& tensor, const PickledStorage& storage) {
  std::int64_t count = 1, last = tensor.offset;
  bool empty = false, overflow = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const std::int64_t wide = std::max<std::int64_t>(tensor.shape[i], 1);
    std::int64_t step = 0;
    empty = empty || tensor.shape[i] == 0;
    overflow = overflow || __builtin_mul_overflow(count, wide, &count) ||
               __builtin_mul_overflow(wide - 1, tensor.strides[i], &step) || __builtin_add_overflow(last, step, &last);
  }
  if (overflow) refuse("a tensor in it has a shape beyond what can be addressed");
  if (empty) return;
  if (last >= storage.count) refuse(fmt::format("a tensor in it ends beyond its storage of {} numbers", storage.count));
  if (count > storage.count) {
    refuse(
        fmt::format("a tensor in it shows {} numbers, but its storage has {} (was it expanded? save its .contiguous())",
                    count, storage.count));
  }
}

}  // namespace

PickledTensor tensor_of(const Pickled& read, const std::vector<PickleId>& arguments) {
  PickledTensor tensor{.storage = static_cast<std::size_t>(read[arguments[0]].number),
                       .offset = size_of(read, arguments[1], "offset"),
                       .shape = sizes_of(read, arguments[2]),
                       .strides = sizes_of(read, arguments[3])};
  if (tensor.shape.size() != tensor.strides.size()) refuse("a tensor in it has more or fewer strides than sizes");
  check_inside(tensor, read.storages[tensor.storage]);
  return tensor;
}

PickledStorage storage_of(const Pickled& read, PickleId persistent) {
  const auto& parts = read[persistent].items;
  const auto is = [&](std::size_t i, PickleKind kind) { return read[parts[i]].kind == kind; };
  // Before PyTorch 1.6 a sixth part could name a view of the storage; none is written since 0.4.
  const bool whole = parts.size() == 5 || (parts.size() == 6 && is(5, PickleKind::kNone));
  if (read[persistent].kind != PickleKind::kTuple || !whole || !is(0, PickleKind::kText) ||
      read[parts[0]].text != "storage" || !is(1, PickleKind::kName) || !is(2, PickleKind::kText) ||
      !is(3, PickleKind::kText))
    refuse("it refers to something outside of the pickle that is not a tensor's storage");
  const PickleName& name = pickle_name(static_cast<std::size_t>(read[parts[1]].number));
  if (name.role != PickleRole::kStorage) refuse(fmt::format("it uses {}.{} as a storage", name.module, name.name));
  return {read[parts[2]].text, name.dtype, name.item, size_of(read, parts[4], "storage size")};
}

}  // namespace pleat
