#include "model/tensor_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr std::array kDtypes{DtypeName{"F32", at::kFloat},
                             DtypeName{"I64", at::kLong},
                             DtypeName{"F64", at::kDouble},
                             DtypeName{"F16", at::kHalf},
                             DtypeName{"BF16", at::kBFloat16},
                             DtypeName{"BOOL", at::kBool},
                             DtypeName{"U8", at::kByte},
                             DtypeName{"I8", at::kChar},
                             DtypeName{"I16", at::kShort},
                             DtypeName{"I32", at::kInt},
                             DtypeName{"U16", at::kUInt16},
                             DtypeName{"U32", at::kUInt32},
                             DtypeName{"U64", at::kUInt64},
                             DtypeName{"C64", at::kComplexFloat},
                             DtypeName{"F8_E5M2", at::kFloat8_e5m2},
                             DtypeName{"F8_E4M3", at::kFloat8_e4m3fn}};

std::string dtype_name(const std::string& tensor, at::ScalarType type) {
  for (const auto& known : kDtypes) {
    if (known.type == type) return known.name;
  }
  throw std::invalid_argument("tensor '" + tensor + "' has dtype " + c10::toString(type) + ", which no file can hold");
}

torch::Tensor to_tensor(const RawTensor& raw, const std::string& source) {
  const auto* known =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeName& dtype) { return raw.dtype == dtype.name; });
  if (known == kDtypes.end()) throw DataError("{}: tensors of dtype {} cannot be read", source, raw.dtype);
  // Reading a bool with any other value is undefined behaviour.
  if (known->type == at::kBool && std::any_of(raw.bytes.begin(), raw.bytes.end(), [](char c) { return c & ~1; })) {
    throw DataError("{}: tensor '{}' holds bytes that are neither true nor false; the file is damaged", source,
                    raw.name);
  }
  const torch::Tensor tensor = torch::empty(raw.shape, known->type);
  if (!raw.bytes.empty()) std::memcpy(tensor.data_ptr(), raw.bytes.data(), raw.bytes.size());
  return tensor;
}

}  // namespace

const torch::Tensor& TensorFile::at(const std::string& name) const {
  for (const auto& [each, tensor] : tensors) {
    if (each == name) return tensor;
  }
  throw DataError("{}: holds no tensor '{}'", source, name);
}

std::string tensors_to_bytes(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  std::vector<TensorToWrite> to_write;
  for (const auto& [name, tensor] : tensors) {
    const auto append = [&tensor = tensor](std::string& file) {
      const torch::Tensor value = tensor.detach().cpu().contiguous();
      if (value.numel() > 0) file.append(static_cast<const char*>(value.const_data_ptr()), value.nbytes());
    };
    to_write.push_back({name, dtype_name(name, tensor.scalar_type()), tensor.sizes().vec(), append});
  }
  return format_safetensors(to_write, metadata);
}

TensorFile tensors_from_bytes(std::string_view bytes, const std::string& source) {
  SafetensorsFile parsed = parse_safetensors(bytes, source);
  TensorFile file = to_tensor_file(parsed.tensors, source);
  file.metadata = std::move(parsed.metadata);
  return file;
}

TensorFile to_tensor_file(const std::vector<RawTensor>& raw, const std::string& source) {
  TensorFile file{.source = source};
  for (const RawTensor& each : raw) file.tensors.emplace_back(each.name, to_tensor(each, source));
  return file;
}

TensorFile read_tensors(const std::filesystem::path& path) {
  return tensors_from_bytes(read_file(path), path.string());
}

}  // namespace pleat
