// Tensors to and from safetensors bytes.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/classifier.h"
#include "weight_formats/safetensors.h"

namespace pleat {

struct TensorFile {
  NamedTensors tensors;  // on CPU, contiguous, owning their memory
  std::map<std::string, std::string> metadata;
  /// Throws: DataError naming the file and the tensor, if it is missing.
  const torch::Tensor& at(const std::string& name) const;
  std::string source;        // for errors
  bool keeps_order = false;  // the tensors are in the order of the network that they were saved from
};

/// Writes values in row-major order, whatever the tensors' strides and devices.
std::string tensors_to_bytes(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});
TensorFile tensors_from_bytes(std::string_view bytes, const std::string& source);
/// Converts tensors that a reader has checked. `source` is the file named in errors.
TensorFile to_tensor_file(const std::vector<RawTensor>& raw, const std::string& source);
TensorFile read_tensors(const std::filesystem::path& path);

}  // namespace pleat
