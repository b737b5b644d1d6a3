// Number format of a network's computations: fp32, or bf16 by autocast with fp32 weights.
#pragma once

#include <torch/types.h>

#include <string>

#include "model/classifier.h"

namespace pleat {

/// Returns "bf16" or "fp32". "auto" becomes bf16 on CUDA, and on CPUs with bf16 in hardware.
///   cpu_bf16: this CPU multiplies bf16 in hardware
std::string resolve_precision(const std::string& configured, const torch::Device& device, bool cpu_bf16);

/// Returns logits [N, classes] float32.
///   images [N, C, H, W] float32
torch::Tensor forward_logits(Classifier& classifier, const torch::Tensor& images, bool bf16);

/// Moves the classifier to the device. 4-d weights become channels_last, the fastest layout on both CPU and CUDA.
void place_on(Classifier& classifier, const torch::Device& device);

}  // namespace pleat
