#include "kernels/conv_dense.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/wide_float.h"

namespace pleat {
namespace {

using torch::Tensor;

std::int64_t in_pixels(const ConvShape& s) { return s.height * s.width; }
std::int64_t out_pixels(const ConvShape& s) { return s.out_h() * s.out_w(); }

// Returns the tap that connects input pixel `in` with output pixel `out` (row-major indices); -1: none.
std::int64_t tap_between(const ConvShape& s, std::int64_t in, std::int64_t out) {
  const std::int64_t ky = in / s.width - out / s.out_w() * s.stride_h + s.pad_h;
  const std::int64_t kx = in % s.width - out % s.out_w() * s.stride_w + s.pad_w;
  return ky < 0 || kx < 0 || ky >= s.kernel_h || kx >= s.kernel_w ? -1 : ky * s.kernel_w + kx;
}

// Expands weight [O, C, kh, kw] to the dense layer's matrix [out pixels * O, in pixels * C].
Tensor expand(const ConvShape& s, const Tensor& weight) {
  const Tensor packed = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor full = at::empty({out_pixels(s) * s.out_channels, in_pixels(s) * s.in_channels}, weight.options());
  const std::size_t bytes = static_cast<std::size_t>(s.in_channels) * weight.element_size();
  const auto* from = static_cast<const char*>(packed.const_data_ptr());
  auto* to = static_cast<char*>(full.mutable_data_ptr());
  at::parallel_for(0, out_pixels(s) * s.out_channels, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t out = row / s.out_channels, channel = row % s.out_channels;
      for (std::int64_t in = 0; in < in_pixels(s); ++in) {
        char* place = to + static_cast<std::size_t>(row * in_pixels(s) + in) * bytes;
        const std::int64_t tap = tap_between(s, in, out);
        if (tap < 0)
          std::memset(place, 0, bytes);
        else
          std::memcpy(place, from + static_cast<std::size_t>(channel * s.taps() + tap) * bytes, bytes);
      }
    }
  });
  return full;
}

// The inverse for gradients: sums each tap's gradient in float32 over the pairs of pixels that the tap connects.
// In bf16 the matrix product has already rounded each summand.
template <class T>
void fold_channels(const ConvShape& s, const T* full, T* weight, std::int64_t begin, std::int64_t end) {
  std::vector<float> sum(static_cast<std::size_t>(s.in_channels));
  for (std::int64_t channel = begin; channel < end; ++channel) {
    for (std::int64_t tap = 0; tap < s.taps(); ++tap) {
      std::fill(sum.begin(), sum.end(), 0.0F);
      for (std::int64_t out = 0; out < out_pixels(s); ++out) {
        for (std::int64_t in = 0; in < in_pixels(s); ++in) {
          if (tap_between(s, in, out) != tap) continue;
          add_to(sum.data(), full + ((out * s.out_channels + channel) * in_pixels(s) + in) * s.in_channels,
                 s.in_channels);
        }
      }
      narrow(sum.data(), weight + (channel * s.taps() + tap) * s.in_channels, s.in_channels);
    }
  }
}

Tensor fold(const ConvShape& s, const Tensor& full) {
  const Tensor weight = at::empty({s.out_channels, s.in_channels, s.kernel_h, s.kernel_w}, full.options(),
                                  at::MemoryFormat::ChannelsLast);
  at::parallel_for(0, s.out_channels, 8, [&](std::int64_t begin, std::int64_t end) {
    const void* from = full.const_data_ptr();
    void* to = weight.mutable_data_ptr();
    if (s.bf16)
      fold_channels(s, static_cast<const Bf16*>(from), static_cast<Bf16*>(to), begin, end);
    else
      fold_channels(s, static_cast<const float*>(from), static_cast<float*>(to), begin, end);
  });
  return weight;
}

// Converts a channels_last map to one row per image, and back.
Tensor rows(const Tensor& map) { return map.permute({0, 2, 3, 1}).reshape({map.size(0), -1}); }
Tensor map(const Tensor& rows, std::int64_t height, std::int64_t width) {
  return rows.view({rows.size(0), height, width, -1}).permute({0, 3, 1, 2});
}

}  // namespace

bool is_dense(const ConvShape& s) { return s.groups == 1 && in_pixels(s) < s.taps(); }

Tensor dense_forward(const ConvShape& s, const Tensor& x, const Tensor& weight) {
  return map(at::mm(rows(x), expand(s, weight).t()), s.out_h(), s.out_w());
}

Tensor dense_data_gradient(const ConvShape& s, const Tensor& gy, const Tensor& weight) {
  return map(at::mm(rows(gy), expand(s, weight)), s.height, s.width);
}

Tensor dense_weight_gradient(const ConvShape& s, const Tensor& gy, const Tensor& x) {
  return fold(s, at::mm(rows(gy).t(), rows(x)));
}

}  // namespace pleat
