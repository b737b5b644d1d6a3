// Depthwise convolutions as loops over NHWC memory, one block of channels at a time. oneDNN's depthwise gradients fall
// back to slow code, above all in bfloat16.
#pragma once

#include <torch/types.h>

#include "kernels/conv_shape.h"

namespace pleat {

/// Tensors as in conv_product.h, but weight is [C, 1, kh, kw]. Requires: shape.depthwise().
/// Sums in float32, in an order that does not depend on the number of threads.
torch::Tensor depthwise_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);
torch::Tensor depthwise_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);
torch::Tensor depthwise_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
