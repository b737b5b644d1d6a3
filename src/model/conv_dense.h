// Convolutions of maps that are smaller than the kernel, as a dense layer from all input pixels to all output pixels:
// most taps of such a kernel fall outside the map, and a patch matrix would be mostly zeros.
#pragma once

#include <torch/types.h>

#include "model/conv_shape.h"

namespace pleat {

/// Whether it is less work than patches: fewer pixels in the map than taps in the kernel.
bool is_dense(const ConvShape& shape);

/// As in conv_product.h, for shapes that are dense.
torch::Tensor dense_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);
torch::Tensor dense_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);
torch::Tensor dense_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
