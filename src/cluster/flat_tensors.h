// Many tensors in one flat one, so that they are summed, kept and sent as one.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace pleat {

class FlatTensors {
 public:
  /// like: dense tensors on one device; sizes and strides are taken from them. `type`: of the flat tensor.
  FlatTensors(const std::vector<torch::Tensor>& like, torch::ScalarType type);

  /// A new flat tensor, all zero: [elements, gaps included]. Each view starts at a multiple of 64 bytes, as vector
  /// code likes it; the gaps stay zero under sums.
  torch::Tensor make() const;
  /// Views into `flat`, shaped and strided as the originals.
  std::vector<torch::Tensor> views(const torch::Tensor& flat) const;

 private:
  struct Place {
    std::vector<std::int64_t> sizes, strides;
    std::int64_t offset;
  };
  std::vector<Place> places_;
  std::int64_t elements_ = 0;
  torch::TensorOptions options_;
};

}  // namespace pleat
