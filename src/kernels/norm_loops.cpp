#include "kernels/norm_loops.h"

namespace pleat {
namespace {

template <class T>
PLEAT_INLINE void moments(Rows<T> x, const float* shift, float* sum, float* squares) {
  for (std::int64_t r = 0; r < x.count; ++r) {
    const T* row = x.data + r * x.channels;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float value = widen(row[c]) - shift[c];
      sum[c] += value;
      squares[c] += value * value;
    }
  }
}

template <bool kRelu, bool kAdd, class T>
PLEAT_INLINE void scaled(Rows<T> x, const float* scale, const float* offset, const T* add, T* y) {
  for (std::int64_t r = 0; r < x.count; ++r) {
    const T* row = x.data + r * x.channels;
    const T* more = kAdd ? add + r * x.channels : nullptr;
    T* out = y + r * x.channels;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < x.channels; ++c) {
      float value = widen(row[c]) * scale[c] + offset[c];
      if constexpr (kAdd) value += widen(more[c]);
      if constexpr (kRelu) value = value < 0.0F ? 0.0F : value;  // keeps a NaN
      round_to(value, out[c]);
    }
  }
}

template <class T>
PLEAT_INLINE void scaled(Rows<T> x, const float* scale, const float* offset, const T* add, bool relu, T* y) {
  if (relu && add != nullptr) return scaled<true, true>(x, scale, offset, add, y);
  if (relu) return scaled<true, false>(x, scale, offset, add, y);
  if (add != nullptr) return scaled<false, true>(x, scale, offset, add, y);
  scaled<false, false>(x, scale, offset, add, y);
}

template <bool kRelu, bool kKeep, class T>
PLEAT_INLINE void gradient_moments(Rows<T> gradient, const T* x, const T* y, const float* mean, float* sum,
                                   float* product, T* masked) {
  for (std::int64_t r = 0; r < gradient.count; ++r) {
    const std::int64_t at = r * gradient.channels;
    const T* g = gradient.data + at;
    const T* in = x + at;
    const T* out = kRelu ? y + at : nullptr;
    T* kept = kKeep ? masked + at : nullptr;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < gradient.channels; ++c) {
      float value = widen(g[c]);
      if constexpr (kRelu) value = widen(out[c]) > 0.0F ? value : 0.0F;
      if constexpr (kKeep) round_to(value, kept[c]);
      sum[c] += value;
      product[c] += value * (widen(in[c]) - mean[c]);
    }
  }
}

template <class T>
PLEAT_INLINE void gradient_moments(Rows<T> gradient, const T* x, const T* y, const float* mean, float* sum,
                                   float* product, T* masked) {
  if (y != nullptr && masked != nullptr)
    return gradient_moments<true, true>(gradient, x, y, mean, sum, product, masked);
  if (y != nullptr) return gradient_moments<true, false>(gradient, x, y, mean, sum, product, masked);
  if (masked != nullptr) return gradient_moments<false, true>(gradient, x, y, mean, sum, product, masked);
  gradient_moments<false, false>(gradient, x, y, mean, sum, product, masked);
}

template <bool kRelu, class T>
PLEAT_INLINE void gradient_scaled(Rows<T> gradient, const T* x, const T* y, const float* scale, const float* slope,
                                  const float* offset, T* of_x) {
  for (std::int64_t r = 0; r < gradient.count; ++r) {
    const std::int64_t at = r * gradient.channels;
    const T* g = gradient.data + at;
    const T* in = x + at;
    const T* out = kRelu ? y + at : nullptr;
    T* back = of_x + at;
    PLEAT_NO_ALIAS
    for (std::int64_t c = 0; c < gradient.channels; ++c) {
      float value = widen(g[c]);
      if constexpr (kRelu) value = widen(out[c]) > 0.0F ? value : 0.0F;
      round_to(value * scale[c] + widen(in[c]) * slope[c] + offset[c], back[c]);
    }
  }
}

}  // namespace

PLEAT_WIDE void add_moments(Rows<float> x, const float* shift, float* sum, float* squares) {
  moments(x, shift, sum, squares);
}
PLEAT_WIDE void add_moments(Rows<Bf16> x, const float* shift, float* sum, float* squares) {
  moments(x, shift, sum, squares);
}

PLEAT_WIDE void scale_rows(Rows<float> x, const float* scale, const float* offset, const float* add, bool relu,
                           float* y) {
  scaled(x, scale, offset, add, relu, y);
}
PLEAT_WIDE void scale_rows(Rows<Bf16> x, const float* scale, const float* offset, const Bf16* add, bool relu, Bf16* y) {
  scaled(x, scale, offset, add, relu, y);
}

PLEAT_WIDE void add_gradient_moments(Rows<float> gradient, const float* x, const float* y, const float* mean,
                                     float* sum, float* product, float* masked) {
  gradient_moments(gradient, x, y, mean, sum, product, masked);
}
PLEAT_WIDE void add_gradient_moments(Rows<Bf16> gradient, const Bf16* x, const Bf16* y, const float* mean, float* sum,
                                     float* product, Bf16* masked) {
  gradient_moments(gradient, x, y, mean, sum, product, masked);
}

PLEAT_WIDE void scale_gradient(Rows<float> gradient, const float* x, const float* y, const float* scale,
                               const float* slope, const float* offset, float* of_x) {
  if (y != nullptr) return gradient_scaled<true>(gradient, x, y, scale, slope, offset, of_x);
  gradient_scaled<false>(gradient, x, y, scale, slope, offset, of_x);
}
PLEAT_WIDE void scale_gradient(Rows<Bf16> gradient, const Bf16* x, const Bf16* y, const float* scale,
                               const float* slope, const float* offset, Bf16* of_x) {
  if (y != nullptr) return gradient_scaled<true>(gradient, x, y, scale, slope, offset, of_x);
  gradient_scaled<false>(gradient, x, y, scale, slope, offset, of_x);
}

}  // namespace pleat
