// The number format that a network computes in: fp32, or bf16 by autocast with fp32 weights.
#pragma once

#include <torch/types.h>

#include <string>

#include "model/classifier.h"

namespace pleat {

/// "bf16" or "fp32" for "auto": bf16 where the device does it well. `cpu_bf16`: this CPU multiplies bf16 in hardware.
std::string resolve_precision(const std::string& configured, const torch::Device& device, bool cpu_bf16);

/// images [N, C, H, W] float32; returns logits [N, classes] float32.
torch::Tensor forward_logits(Classifier& classifier, const torch::Tensor& images, bool bf16);

/// Moves to the device; 4-d weights become channels_last, the layout that both CPU and CUDA convolve fastest in.
void place_on(Classifier& classifier, const torch::Device& device);

}  // namespace pleat
