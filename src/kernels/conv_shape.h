// The properties that a convolution's speed depends on, and pleat's ways to compute one. Free of torch headers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace pleat {

/// A convolution of one image. The batch size is left out, so that a plan also covers the smaller last batch.
struct ConvShape {
  std::int64_t in_channels = 0, out_channels = 0, height = 0, width = 0;  // height, width: of the input
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, groups = 1;
  bool bf16 = false;

  std::int64_t out_h() const { return (height + 2 * pad_h - kernel_h) / stride_h + 1; }
  std::int64_t out_w() const { return (width + 2 * pad_w - kernel_w) / stride_w + 1; }
  std::int64_t taps() const { return kernel_h * kernel_w; }
  bool depthwise() const { return groups > 1 && groups == in_channels && groups == out_channels; }
  auto operator<=>(const ConvShape&) const = default;
};

enum class ConvPass { kForward, kDataGradient, kWeightGradient };
inline constexpr std::array kConvPasses{ConvPass::kForward, ConvPass::kDataGradient, ConvPass::kWeightGradient};

enum class ConvWay {
  kLibrary,  // oneDNN, as LibTorch calls it
  kProduct,  // one matrix product over patches: for few pixels with many channels
  kDense,    // a map smaller than the kernel, as a dense layer
  kLoops,    // depthwise: loops over blocks of channels
};
inline constexpr std::array kConvWays{ConvWay::kLibrary, ConvWay::kProduct, ConvWay::kDense, ConvWay::kLoops};

}  // namespace pleat
