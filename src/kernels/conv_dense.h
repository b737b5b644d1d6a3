// Convolutions of maps smaller than the kernel, computed as a dense layer from all input pixels to all output pixels.
// Most taps of such a kernel fall outside the map, so a patch matrix would be mostly zeros.
#pragma once

#include <torch/types.h>

#include "kernels/conv_shape.h"

namespace pleat {

/// Returns true if a dense layer is less work than patches: the map has fewer pixels than the kernel has taps.
bool is_dense(const ConvShape& shape);

/// Tensors as in conv_product.h. Requires: is_dense(shape).
torch::Tensor dense_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);
torch::Tensor dense_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);
torch::Tensor dense_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
