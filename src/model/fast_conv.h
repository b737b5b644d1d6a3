// Convolutions on CPU, each pass of each shape by the way that a plan says. torch::nn, autograd and TorchScript call
// aten::convolution and its backward as always; while a FastConv lives, these come here first.
#pragma once

#include <torch/types.h>

#include <map>
#include <set>

#include "model/conv_shape.h"

namespace pleat {

/// How each pass of a convolution is computed; what a plan does not name is left to the library.
struct ConvWays {
  std::array<ConvWay, kConvPasses.size()> of_pass{};
  ConvWay& operator[](ConvPass pass) { return of_pass[static_cast<std::size_t>(pass)]; }
  ConvWay operator[](ConvPass pass) const { return of_pass[static_cast<std::size_t>(pass)]; }
  auto operator<=>(const ConvWays&) const = default;
};
using ConvPlan = std::map<ConvShape, ConvWays>;
inline const ConvPlan kLibraryAlone;

/// Whether there is code for it.
bool can_compute(ConvWay way, const ConvShape& shape);

/// One pass by one way; tensors as in conv_product.h. x and weight for forward, gy and weight for the data gradient, gy
/// and x for the weight gradient; the third is used for its sizes alone. kLibrary: oneDNN through LibTorch.
torch::Tensor compute_pass(ConvPass pass, ConvWay way, const ConvShape& shape, const torch::Tensor& gy,
                           const torch::Tensor& x, const torch::Tensor& weight);

/// While it lives, this process's convolutions on CPU follow `plan`, which must outlive it. One at a time. Those that
/// no way but the library's computes (transposed, dilated, grouped, other dtypes or layouts) are passed on untouched.
class FastConv {
 public:
  explicit FastConv(const ConvPlan& plan);
  ~FastConv();
  FastConv(const FastConv&) = delete;
  FastConv& operator=(const FastConv&) = delete;

 private:
  bool active_ = false;  // an empty plan changes nothing
};

/// While it lives, notes the shapes that a network convolves; all are left to the library. Not beside a FastConv.
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
