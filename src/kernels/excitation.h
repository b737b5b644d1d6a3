// Squeeze and excitation: each channel of an image is multiplied by a factor that depends on the means of all channels.
// Source: Hu et al. 2018, arXiv:1709.01507.
#pragma once

#include <torch/types.h>

#include <functional>

namespace pleat {

/// Returns x * gate(means over the pixels). `gate` maps means [N, C] to factors [N, C].
///   x [N, C, H, W]
/// Backward on CPU, for channels_last bfloat16 and float32, accesses memory half as often as torch's operators.
/// It sums in float32; the number of threads does not change the result.
torch::Tensor excite(const torch::Tensor& x, const std::function<torch::Tensor(const torch::Tensor&)>& gate);

}  // namespace pleat
