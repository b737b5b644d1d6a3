// The inner loops of depthwise convolutions, on float32 planes [y][x][kLanes]: one image, one block of channels. A
// plane fits in the cache. Free of torch headers.
#pragma once

#include <cstdint>

#include "kernels/wide_float.h"

namespace pleat {

inline constexpr std::int64_t kLanes = 32;  // two registers of 512 bits

struct PlaneSize {
  std::int64_t height, width;
  std::int64_t pixels() const { return height * width; }
};

struct DepthwiseKernel {
  std::int64_t height, width, stride_h, stride_w;
  std::int64_t out_h, out_w;  // of the small plane
  std::int64_t padded_width;  // of the large plane, borders included
};

/// Copies the next `lanes` channels of each pixel from NHWC memory, with `channels` numbers per pixel, into a plane.
/// The plane gets a border of zeros: pad_h rows and pad_w columns on each side. Lanes past `lanes` become zero.
void load_plane(const float* from, PlaneSize size, std::int64_t channels, std::int64_t lanes, std::int64_t pad_h,
                std::int64_t pad_w, float* plane);
void load_plane(const Bf16* from, PlaneSize size, std::int64_t channels, std::int64_t lanes, std::int64_t pad_h,
                std::int64_t pad_w, float* plane);

/// Copies a plane back to NHWC memory. `row_pixels`: pixels from one row of the plane to the next.
void store_plane(const float* plane, PlaneSize size, std::int64_t row_pixels, std::int64_t channels, std::int64_t lanes,
                 float* to);
void store_plane(const float* plane, PlaneSize size, std::int64_t row_pixels, std::int64_t channels, std::int64_t lanes,
                 Bf16* to);

/// weights, sums: [tap][kLanes]. small = large * weights; large += small * weights; sums += small * large.
void block_forward(const DepthwiseKernel& kernel, const float* large, const float* weights, float* small);
void block_data_gradient(const DepthwiseKernel& kernel, const float* small, const float* weights, float* large);
void block_weight_gradient(const DepthwiseKernel& kernel, const float* small, const float* large, float* sums);

}  // namespace pleat
