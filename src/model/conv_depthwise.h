// Depthwise convolutions as loops over NHWC memory, a block of channels at a time: oneDNN's gradients of them fall back
// to slow code, most of all in bfloat16.
#pragma once

#include <torch/types.h>

#include "model/conv_shape.h"

namespace pleat {

/// As in conv_product.h, for shape.depthwise(): weight [C, 1, kh, kw]; sums in float32, in an order that does not
/// depend on the number of threads.
torch::Tensor depthwise_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);
torch::Tensor depthwise_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);
torch::Tensor depthwise_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
