// BatchNorm, the sum with a shortcut and an activation as one step, which on CPU goes over memory fewer times than the
// three.
#pragma once

#include <torch/nn/modules/batchnorm.h>

namespace pleat {

/// relu(norm(x) + shortcut), by `norm`'s mode: training takes the batch's statistics and updates the running ones.
///   x [N, C, H, W]; shortcut of the same shape, or undefined for none
/// Other layouts than channels_last, other types than bfloat16 and float32, and evaluation go by torch's own
/// operators; so does everything on CUDA. The fast path computes in float32, by sums over a fixed division of the rows:
/// the number of threads does not change a bit. Source: Ioffe & Szegedy 2015, arXiv:1502.03167, as in torch.
torch::Tensor norm_relu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, const torch::Tensor& shortcut = {});

/// norm(x) + shortcut, by the same path.
torch::Tensor batch_norm(torch::nn::BatchNorm2d& norm, const torch::Tensor& x, const torch::Tensor& shortcut = {});

/// silu(norm(x)), by the same path. Backward computes the activation again from x: what it keeps is x alone.
torch::Tensor norm_silu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);

}  // namespace pleat
