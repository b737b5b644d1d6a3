#include "weight_formats/pickle_names.h"

#include <algorithm>
#include <array>

namespace pleat {
namespace {

constexpr std::array kNames{PickleName{"collections", "OrderedDict", PickleRole::kOrderedDict},
                            PickleName{"torch._utils", "_rebuild_tensor_v2", PickleRole::kTensor},
                            PickleName{"torch._utils", "_rebuild_tensor", PickleRole::kOldTensor},
                            PickleName{"torch._utils", "_rebuild_parameter", PickleRole::kParameter},
                            PickleName{"torch", "Size", PickleRole::kSize},
                            PickleName{"torch", "FloatStorage", PickleRole::kStorage, "F32", 4},
                            PickleName{"torch", "LongStorage", PickleRole::kStorage, "I64", 8},
                            PickleName{"torch", "HalfStorage", PickleRole::kStorage, "F16", 2},
                            PickleName{"torch", "BFloat16Storage", PickleRole::kStorage, "BF16", 2},
                            PickleName{"torch", "DoubleStorage", PickleRole::kStorage, "F64", 8},
                            PickleName{"torch", "IntStorage", PickleRole::kStorage, "I32", 4},
                            PickleName{"torch", "ShortStorage", PickleRole::kStorage, "I16", 2},
                            PickleName{"torch", "CharStorage", PickleRole::kStorage, "I8", 1},
                            PickleName{"torch", "ByteStorage", PickleRole::kStorage, "U8", 1},
                            PickleName{"torch", "BoolStorage", PickleRole::kStorage, "BOOL", 1},
                            PickleName{"torch", "ComplexFloatStorage", PickleRole::kStorage, "C64", 8}};

}  // namespace

std::optional<std::size_t> find_pickle_name(std::string_view module, std::string_view name) {
  const auto* known = std::find_if(kNames.begin(), kNames.end(), [&](const PickleName& each) {
    const bool storage = each.role == PickleRole::kStorage && module == "torch.storage";
    return each.name == name && (each.module == module || storage);
  });
  if (known == kNames.end()) return std::nullopt;
  return static_cast<std::size_t>(known - kNames.begin());
}

const PickleName& pickle_name(std::size_t place) { return kNames[place]; }

}  // namespace pleat
