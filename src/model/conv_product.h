// Convolutions as matrix products over patches (im2col), for NHWC tensors on CPU: faster than oneDNN where few pixels
// with many channels remain. A channels_last weight [O, C, kh, kw] lies in memory as the matrix [O, kh * kw * C], so
// that all three passes use it as it is.
#pragma once

#include <torch/types.h>

#include "model/conv_shape.h"

namespace pleat {

/// All tensors are of one dtype, float32 or bfloat16, and 4-d; x and gy channels_last. groups must be 1.
/// x [N, C, H, W], weight [O, C, kh, kw]; returns [N, O, out_h, out_w], channels_last.
torch::Tensor product_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);

/// gy [N, O, out_h, out_w]; returns the gradient of x, channels_last. Overlaps are summed in float32.
torch::Tensor product_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);

/// Returns the gradient of the weight, channels_last.
torch::Tensor product_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
