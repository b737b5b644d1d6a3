// Convolutions on CPU that follow a convolution plan. torch::nn, autograd and TorchScript call aten::convolution and
// its backward as usual; while a FastConv exists, it intercepts those calls.
#pragma once

#include <torch/types.h>

#include <map>
#include <set>

#include "kernels/conv_shape.h"

namespace pleat {

/// The way to compute each pass of a convolution. The library computes shapes that a plan does not name.
struct ConvWays {
  std::array<ConvWay, kConvPasses.size()> of_pass{};
  ConvWay& operator[](ConvPass pass) { return of_pass[static_cast<std::size_t>(pass)]; }
  ConvWay operator[](ConvPass pass) const { return of_pass[static_cast<std::size_t>(pass)]; }
  auto operator<=>(const ConvWays&) const = default;
};
using ConvPlan = std::map<ConvShape, ConvWays>;
inline const ConvPlan kLibraryAlone;

/// Returns true if `way` can compute convolutions of this shape.
bool can_compute(ConvWay way, const ConvShape& shape);

/// Computes one pass by one way; tensors as in conv_product.h.
/// Reads x and weight for forward, gy and weight for the data gradient, gy and x for the weight gradient. At most the
/// sizes of the third tensor are used.
torch::Tensor compute_pass(ConvPass pass, ConvWay way, const ConvShape& shape, const torch::Tensor& gy,
                           const torch::Tensor& x, const torch::Tensor& weight);

/// While a FastConv exists, this process's convolutions on CPU follow `plan`. The library still computes what no other
/// way can: transposed, dilated and grouped convolutions, other dtypes and layouts.
/// Requires: `plan` outlives the object; no other FastConv or ConvRecorder exists.
class FastConv {
 public:
  explicit FastConv(const ConvPlan& plan);
  ~FastConv();
  FastConv(const FastConv&) = delete;
  FastConv& operator=(const FastConv&) = delete;

 private:
  bool active_ = false;  // an empty plan changes nothing
};

/// While a ConvRecorder exists, it records the shapes that a network convolves; the library computes all of them.
/// Requires: no FastConv or other ConvRecorder exists.
class ConvRecorder {
 public:
  ConvRecorder();
  ~ConvRecorder();
  ConvRecorder(const ConvRecorder&) = delete;
  ConvRecorder& operator=(const ConvRecorder&) = delete;
  const std::set<ConvShape>& shapes() const { return shapes_; }

 private:
  std::set<ConvShape> shapes_;
};

}  // namespace pleat
