// Declares LibTorch's Tensor and Device for headers that only name them. Files that use neither then compile without
// LibTorch's headers, and much faster.
#pragma once

namespace c10 {
struct Device;
}
namespace at {
class Tensor;
}
namespace torch {
using at::Tensor;
using c10::Device;
}  // namespace torch
