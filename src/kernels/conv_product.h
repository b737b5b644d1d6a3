// Convolutions as matrix products over patches (im2col), for NHWC tensors on CPU. Faster than oneDNN for few pixels
// with many channels. A channels_last weight [O, C, kh, kw] lies in memory as the matrix [O, kh * kw * C], so all three
// passes use it without a copy.
#pragma once

#include <torch/types.h>

#include "kernels/conv_shape.h"

namespace pleat {

/// x [N, C, H, W], weight [O, C, kh, kw]. Returns [N, O, out_h, out_w], channels_last.
/// Requires, for all three passes: one dtype, float32 or bfloat16; x and gy channels_last; groups == 1.
torch::Tensor product_forward(const ConvShape& shape, const torch::Tensor& x, const torch::Tensor& weight);

/// gy [N, O, out_h, out_w]. Returns the gradient of x, channels_last. Overlaps are summed in float32.
torch::Tensor product_data_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& weight);

/// Returns the gradient of the weight, channels_last.
torch::Tensor product_weight_gradient(const ConvShape& shape, const torch::Tensor& gy, const torch::Tensor& x);

}  // namespace pleat
