#include "cluster/flat_tensors.h"

#include <ATen/ops/zeros.h>

namespace pleat {

FlatTensors::FlatTensors(const std::vector<torch::Tensor>& like, torch::ScalarType type)
    : options_(torch::TensorOptions().dtype(type)) {
  if (!like.empty()) options_ = options_.device(like.front().device());
  const auto align = static_cast<std::int64_t>(64 / c10::elementSize(type));
  for (const torch::Tensor& tensor : like) {
    // Dense tensors keep their memory order, so copying is linear. Tensors with holes or overlaps become contiguous.
    const bool dense = tensor.is_non_overlapping_and_dense();
    const torch::Tensor shape = dense ? tensor : tensor.contiguous();
    places_.push_back({shape.sizes().vec(), shape.strides().vec(), elements_});
    elements_ += (shape.numel() + align - 1) / align * align;
  }
}

torch::Tensor FlatTensors::make() const { return at::zeros({elements_}, options_); }

std::vector<torch::Tensor> FlatTensors::views(const torch::Tensor& flat) const {
  std::vector<torch::Tensor> views;
  views.reserve(places_.size());
  for (const Place& place : places_) views.push_back(flat.as_strided(place.sizes, place.strides, place.offset));
  return views;
}

}  // namespace pleat
