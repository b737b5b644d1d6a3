// Packs many tensors into one flat tensor, to sum, store and send them at once.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace pleat {

class FlatTensors {
 public:
  /// Takes sizes and strides from `like`, tensors on one device. `type`: the flat tensor's dtype.
  FlatTensors(const std::vector<torch::Tensor>& like, torch::ScalarType type);

  /// Returns a new flat tensor of zeros, [elements, gaps included]. Each view starts at a multiple of 64 bytes, for
  /// vector instructions. Gaps stay zero when flat tensors are summed.
  torch::Tensor make() const;
  /// Returns views into `flat` with the sizes and strides of `like`.
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
