// BatchNorm, the sum with a shortcut, and an activation, fused into one step. On CPU the fused step accesses memory
// less often than three operators.
#pragma once

#include <torch/nn/modules/batchnorm.h>

namespace pleat {

/// Returns relu(norm(x) + shortcut). In training mode, uses the batch's statistics and updates the running ones.
///   x [N, C, H, W]; shortcut of the same shape, or undefined for none
/// The fused path runs in training on CPU, for channels_last bfloat16 and float32. Torch's operators compute the rest.
/// The fused path sums in float32 over a fixed division of the rows: the number of threads does not change the result.
/// Source: Ioffe & Szegedy 2015, arXiv:1502.03167, as in torch.
torch::Tensor norm_relu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, const torch::Tensor& shortcut = {});

/// Returns norm(x) + shortcut, by the same path.
torch::Tensor batch_norm(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, const torch::Tensor& shortcut = {});

/// Returns silu(norm(x)), by the same path. Backward recomputes the activation, so only x is kept.
torch::Tensor norm_silu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);

}  // namespace pleat
