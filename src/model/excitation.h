// Squeeze and excitation: each channel of an image is multiplied by a factor that depends on the means of all channels.
// Source: Hu et al. 2018, arXiv:1709.01507.
#pragma once

#include <torch/types.h>

#include <functional>

namespace pleat {

/// x * gate(means over the pixels), where gate makes factors [N, C] of means [N, C].
///   x [N, C, H, W]
/// In training on CPU, bfloat16 and float32 in channels_last go back by loops that read and write memory half as often
/// as torch's operators, with sums in float32; on any number of threads to the same bits.
torch::Tensor excite(const torch::Tensor& x, const std::function<torch::Tensor(const torch::Tensor&)>& gate);

}  // namespace pleat
