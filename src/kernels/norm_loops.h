// BatchNorm and ReLU over rows of channels (NHWC memory), in few passes; each reads and writes every number once.
// Free of torch headers.
#pragma once

#include <cstdint>

#include "kernels/wide_float.h"

namespace pleat {

/// `count` rows of `channels` numbers each. T: float or Bf16; all else is float32.
template <class T>
struct Rows {
  const T* data;
  std::int64_t count, channels;
};

/// sum[c] += x - shift[c], squares[c] += (x - shift[c])^2
void add_moments(Rows<float> x, const float* shift, float* sum, float* squares);
void add_moments(Rows<Bf16> x, const float* shift, float* sum, float* squares);

/// y = relu(x * scale[c] + offset[c] + add). `add` may be null. If `relu` is false, y is the sum itself.
void scale_rows(Rows<float> x, const float* scale, const float* offset, const float* add, bool relu, float* y);
void scale_rows(Rows<Bf16> x, const float* scale, const float* offset, const Bf16* add, bool relu, Bf16* y);

/// The gradient through the ReLU: g = gradient where y > 0, else 0. If y is null, g = gradient.
/// sum[c] += g, product[c] += g * (x - mean[c]). If `masked` is not null, g is also written to `masked`.
void add_gradient_moments(Rows<float> gradient, const float* x, const float* y, const float* mean, float* sum,
                          float* product, float* masked);
void add_gradient_moments(Rows<Bf16> gradient, const Bf16* x, const Bf16* y, const float* mean, float* sum,
                          float* product, Bf16* masked);

/// of_x = g * scale[c] + x * slope[c] + offset[c], with g as above.
void scale_gradient(Rows<float> gradient, const float* x, const float* y, const float* scale, const float* slope,
                    const float* offset, float* of_x);
void scale_gradient(Rows<Bf16> gradient, const Bf16* x, const Bf16* y, const float* scale, const float* slope,
                    const float* offset, Bf16* of_x);

}  // namespace pleat
