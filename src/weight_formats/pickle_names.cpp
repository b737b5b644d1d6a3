#include "weight_formats/pickle_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::array kNames{PickleName{"collections", "OrderedDict", PickleRole::kOrderedDict},
                            PickleName{"torch._utils", "_rebuild_tensor_v2", PickleRole::kTensor},
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

// Whether `next` constructs an object without arguments, perhaps after a memo instruction. torch.save(model) begins so.
bool makes_object(std::string_view next) {
  if (next.starts_with('q')) next.remove_prefix(std::min<std::size_t>(2, next.size()));
  return next.starts_with(")\x81");
}

}  // namespace

std::size_t find_pickle_name(std::string_view module, std::string_view name, std::string_view file,
                             std::string_view next, bool first) {
  const auto* known = std::find_if(kNames.begin(), kNames.end(), [&](const PickleName& each) {
    const bool storage = each.role == PickleRole::kStorage && module == "torch.storage";
    return each.name == name && (each.module == module || storage);
  });
  if (known != kNames.end()) return static_cast<std::size_t>(known - kNames.begin());
  const std::string full = shown(std::string(module) + "." + std::string(name));
  if (first && makes_object(next)) {
    throw DataError(
        "{}: a whole network of class {}, but pleat reads only weights; save the weights in Python, where that class "
        "can be imported: torch.save(model.state_dict(), 'weights.pth')",
        file, full);
  }
  throw DataError(
      "{}: its pickle names {}, which does not belong in a state dict; pleat ran nothing from it; if you trust the "
      "file, save only its weights in Python: torch.save(model.state_dict(), 'weights.pth')",
      file, full);
}

const PickleName& pickle_name(std::size_t place) { return kNames[place]; }

}  // namespace pleat
