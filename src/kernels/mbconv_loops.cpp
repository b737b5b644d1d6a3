#include "kernels/mbconv_loops.h"

#include <bit>
#include <cstdint>

namespace pleat {
namespace {

// PLEAT_WIDE is too slow here: its AVX-512 clone has wide instructions for 32-bit numbers only, and takes three times
// as long.
#define PLEAT_WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

// Clamps v to [-87, 87]. Compares bits: the compiler turns a comparison of floats into a branch, and then does not
// vectorise the loop.
PLEAT_INLINE float at_most_87(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  const std::uint32_t size = bits & 0x7fffffffU, most = std::bit_cast<std::uint32_t>(87.0F);
  return std::bit_cast<float>((bits & 0x80000000U) | (size < most ? size : most));
}

// exp(v) to about 2 units in the last place, for |v| <= 87: neither exp(v) nor its inverse overflows there.
// Computes 2^n times a polynomial of the rest. The library's exp would be a call for each number.
PLEAT_INLINE float exponential(float v) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float shifted = v * 1.44269504F + kRound, n = shifted - kRound;
  const float rest = (v - n * 0.693359375F) - n * -2.12194440e-4F;  // ln 2 in two parts, the first with few digits
  float series = 1.9875691500e-4F;
  series = series * rest + 1.3981999507e-3F;
  series = series * rest + 8.3334519073e-3F;
  series = series * rest + 4.1665795894e-2F;
  series = series * rest + 1.6666665459e-1F;
  series = series * rest + 5.0000001201e-1F;
  series = series * rest * rest + rest + 1.0F;
  const std::uint32_t power = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRound) + 127U;
  return series * std::bit_cast<float>(power << 23);
}

// Finite even for a NaN; the callers multiply by v, which keeps the NaN.
PLEAT_INLINE float sigmoid(float v) { return 1.0F / (1.0F + exponential(-at_most_87(v))); }

template <class T>
PLEAT_INLINE void silu(Rows<T> x, const float* scale, const float* offset, T* y) {
  for (std::int64_t r = 0; r < x.count; ++r) {
    const T* row = x.data + r * x.channels;
    T* out = y + r * x.channels;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float v = widen(row[c]) * scale[c] + offset[c];
      round_to(v * sigmoid(v), out[c]);
    }
  }
}

template <class T>
PLEAT_INLINE void silu_gradient_moments(Rows<T> gradient, const T* x, const float* scale, const float* offset,
                                        const float* mean, float* sum, float* product, T* passed) {
  for (std::int64_t r = 0; r < gradient.count; ++r) {
    const std::int64_t at = r * gradient.channels;
    const T* g = gradient.data + at;
    const T* in = x + at;
    T* through = passed + at;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < gradient.channels; ++c) {
      const float v = widen(in[c]) * scale[c] + offset[c], s = sigmoid(v);
      const float value = widen(g[c]) * (s + v * s * (1.0F - s));
      round_to(value, through[c]);
      sum[c] += value;
      product[c] += value * (widen(in[c]) - mean[c]);
    }
  }
}

template <class T>
PLEAT_INLINE void channels_gradient(Rows<T> gradient, const T* x, const float* factor, float* sum, T* of_x) {
  for (std::int64_t r = 0; r < gradient.count; ++r) {
    const std::int64_t at = r * gradient.channels;
    const T* g = gradient.data + at;
    const T* in = x + at;
    T* back = of_x + at;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < gradient.channels; ++c) {
      sum[c] += widen(g[c]) * widen(in[c]);
      round_to(widen(g[c]) * factor[c], back[c]);
    }
  }
}

template <class T>
PLEAT_INLINE void added(Rows<T> x, const float* add, T* y) {
  for (std::int64_t r = 0; r < x.count; ++r) {
    const T* row = x.data + r * x.channels;
    T* out = y + r * x.channels;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < x.channels; ++c) round_to(widen(row[c]) + add[c], out[c]);
  }
}

}  // namespace

PLEAT_WIDEST void silu_rows(Rows<float> x, const float* scale, const float* offset, float* y) {
  silu(x, scale, offset, y);
}
PLEAT_WIDEST void silu_rows(Rows<Bf16> x, const float* scale, const float* offset, Bf16* y) {
  silu(x, scale, offset, y);
}

PLEAT_WIDEST void add_silu_gradient_moments(Rows<float> gradient, const float* x, const float* scale,
                                            const float* offset, const float* mean, float* sum, float* product,
                                            float* passed) {
  silu_gradient_moments(gradient, x, scale, offset, mean, sum, product, passed);
}
PLEAT_WIDEST void add_silu_gradient_moments(Rows<Bf16> gradient, const Bf16* x, const float* scale, const float* offset,
                                            const float* mean, float* sum, float* product, Bf16* passed) {
  silu_gradient_moments(gradient, x, scale, offset, mean, sum, product, passed);
}

PLEAT_WIDEST void scale_channels_gradient(Rows<float> gradient, const float* x, const float* factor, float* sum,
                                          float* of_x) {
  channels_gradient(gradient, x, factor, sum, of_x);
}
PLEAT_WIDEST void scale_channels_gradient(Rows<Bf16> gradient, const Bf16* x, const float* factor, float* sum,
                                          Bf16* of_x) {
  channels_gradient(gradient, x, factor, sum, of_x);
}

PLEAT_WIDEST void add_to_channels(Rows<float> x, const float* add, float* y) { added(x, add, y); }
PLEAT_WIDEST void add_to_channels(Rows<Bf16> x, const float* add, Bf16* y) { added(x, add, y); }

}  // namespace pleat
