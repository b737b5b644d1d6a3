// The steps of EfficientNet's blocks between convolutions, over rows of channels (NHWC memory): SiLU after BatchNorm,
// and a factor per channel. Free of torch headers.
#pragma once

#include "kernels/norm_loops.h"

namespace pleat {

/// y = v / (1 + exp(-v)) with v = x * scale[c] + offset[c].
void silu_rows(Rows<float> x, const float* scale, const float* offset, float* y);
void silu_rows(Rows<Bf16> x, const float* scale, const float* offset, Bf16* y);

/// The gradient through silu_rows: passed = g = gradient * dy/dv, sum[c] += g, product[c] += g * (x - mean[c]).
void add_silu_gradient_moments(Rows<float> gradient, const float* x, const float* scale, const float* offset,
                               const float* mean, float* sum, float* product, float* passed);
void add_silu_gradient_moments(Rows<Bf16> gradient, const Bf16* x, const float* scale, const float* offset,
                               const float* mean, float* sum, float* product, Bf16* passed);

/// The gradient through y = x * factor[c]: of_x = gradient * factor[c], sum[c] += gradient * x.
void scale_channels_gradient(Rows<float> gradient, const float* x, const float* factor, float* sum, float* of_x);
void scale_channels_gradient(Rows<Bf16> gradient, const Bf16* x, const float* factor, float* sum, Bf16* of_x);

/// y = x + add[c]; y may be x.
void add_to_channels(Rows<float> x, const float* add, float* y);
void add_to_channels(Rows<Bf16> x, const float* add, Bf16* y);

}  // namespace pleat
