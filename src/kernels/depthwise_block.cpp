#include "kernels/depthwise_block.h"

#include <algorithm>

namespace pleat {
namespace {

// The compiler keeps Lanes in registers, and splits them where the CPU's registers are narrower.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float))));

PLEAT_INLINE Lanes& lanes(float* plane, std::int64_t pixel) {
  return *reinterpret_cast<Lanes*>(plane + pixel * kLanes);
}
PLEAT_INLINE const Lanes& lanes(const float* plane, std::int64_t pixel) {
  return *reinterpret_cast<const Lanes*>(plane + pixel * kLanes);
}

template <class T>
PLEAT_INLINE void load(const T* from, PlaneSize size, std::int64_t channels, std::int64_t count, std::int64_t pad_h,
                       std::int64_t pad_w, float* plane) {
  const std::int64_t width = size.width + 2 * pad_w;
  std::fill_n(plane, pad_h * width * kLanes, 0.0F);
  plane += pad_h * width * kLanes;
  for (std::int64_t y = 0; y < size.height; ++y, plane += width * kLanes) {
    std::fill_n(plane, pad_w * kLanes, 0.0F);
    float* out = plane + pad_w * kLanes;
    for (std::int64_t x = 0; x < size.width; ++x, out += kLanes, from += channels) {
      if (count == kLanes) {
        for (std::int64_t i = 0; i < kLanes; ++i) out[i] = widen(from[i]);
      } else {
        for (std::int64_t i = 0; i < kLanes; ++i) out[i] = i < count ? widen(from[i]) : 0.0F;
      }
    }
    std::fill_n(out, pad_w * kLanes, 0.0F);
  }
  std::fill_n(plane, pad_h * width * kLanes, 0.0F);
}

template <class T>
PLEAT_INLINE void store(const float* plane, PlaneSize size, std::int64_t row_pixels, std::int64_t channels,
                        std::int64_t count, T* to) {
  for (std::int64_t y = 0; y < size.height; ++y) {
    const float* row = plane + y * row_pixels * kLanes;
    for (std::int64_t x = 0; x < size.width; ++x, row += kLanes, to += channels) {
      if (count == kLanes) {
        for (std::int64_t i = 0; i < kLanes; ++i) round_to(row[i], to[i]);
      } else {
        for (std::int64_t i = 0; i < count; ++i) round_to(row[i], to[i]);
      }
    }
  }
}

// kWidth: the kernel's width, known to the compiler so that a kernel row's sums stay in registers.
template <int kWidth>
PLEAT_INLINE void weight_gradient(const DepthwiseKernel& k, const float* small, const float* large, float* sums) {
  for (std::int64_t ky = 0; ky < k.height; ++ky) {
    Lanes row[kWidth];
    for (int kx = 0; kx < kWidth; ++kx) row[kx] = lanes(sums, ky * kWidth + kx);
    for (std::int64_t y = 0; y < k.out_h; ++y) {
      const float* from = large + (y * k.stride_h + ky) * k.padded_width * kLanes;
      for (std::int64_t x = 0; x < k.out_w; ++x, from += k.stride_w * kLanes) {
        const Lanes gradient = lanes(small, y * k.out_w + x);
        for (int kx = 0; kx < kWidth; ++kx) row[kx] += gradient * lanes(from, kx);
      }
    }
    for (int kx = 0; kx < kWidth; ++kx) lanes(sums, ky * kWidth + kx) = row[kx];
  }
}

PLEAT_INLINE void weight_gradient_any(const DepthwiseKernel& k, const float* small, const float* large, float* sums) {
  for (std::int64_t y = 0; y < k.out_h; ++y) {
    for (std::int64_t x = 0; x < k.out_w; ++x) {
      const Lanes gradient = lanes(small, y * k.out_w + x);
      for (std::int64_t ky = 0; ky < k.height; ++ky) {
        const float* from = large + ((y * k.stride_h + ky) * k.padded_width + x * k.stride_w) * kLanes;
        for (std::int64_t kx = 0; kx < k.width; ++kx) lanes(sums, ky * k.width + kx) += gradient * lanes(from, kx);
      }
    }
  }
}

}  // namespace

PLEAT_WIDE void load_plane(const float* from, PlaneSize size, std::int64_t channels, std::int64_t count,
                           std::int64_t pad_h, std::int64_t pad_w, float* plane) {
  load(from, size, channels, count, pad_h, pad_w, plane);
}

PLEAT_WIDE void load_plane(const Bf16* from, PlaneSize size, std::int64_t channels, std::int64_t count,
                           std::int64_t pad_h, std::int64_t pad_w, float* plane) {
  load(from, size, channels, count, pad_h, pad_w, plane);
}

PLEAT_WIDE void store_plane(const float* plane, PlaneSize size, std::int64_t row_pixels, std::int64_t channels,
                            std::int64_t count, float* to) {
  store(plane, size, row_pixels, channels, count, to);
}

PLEAT_WIDE void store_plane(const float* plane, PlaneSize size, std::int64_t row_pixels, std::int64_t channels,
                            std::int64_t count, Bf16* to) {
  store(plane, size, row_pixels, channels, count, to);
}

PLEAT_WIDE void block_forward(const DepthwiseKernel& k, const float* large, const float* weights, float* small) {
  for (std::int64_t y = 0; y < k.out_h; ++y) {
    for (std::int64_t x = 0; x < k.out_w; ++x) {
      Lanes sum{};
      for (std::int64_t ky = 0; ky < k.height; ++ky) {
        const float* from = large + ((y * k.stride_h + ky) * k.padded_width + x * k.stride_w) * kLanes;
        for (std::int64_t kx = 0; kx < k.width; ++kx) sum += lanes(from, kx) * lanes(weights, ky * k.width + kx);
      }
      lanes(small, y * k.out_w + x) = sum;
    }
  }
}

PLEAT_WIDE void block_data_gradient(const DepthwiseKernel& k, const float* small, const float* weights, float* large) {
  for (std::int64_t y = 0; y < k.out_h; ++y) {
    for (std::int64_t x = 0; x < k.out_w; ++x) {
      const Lanes gradient = lanes(small, y * k.out_w + x);
      for (std::int64_t ky = 0; ky < k.height; ++ky) {
        float* to = large + ((y * k.stride_h + ky) * k.padded_width + x * k.stride_w) * kLanes;
        for (std::int64_t kx = 0; kx < k.width; ++kx) lanes(to, kx) += gradient * lanes(weights, ky * k.width + kx);
      }
    }
  }
}

PLEAT_WIDE void block_weight_gradient(const DepthwiseKernel& k, const float* small, const float* large, float* sums) {
  switch (k.width) {
    case 3:
      return weight_gradient<3>(k, small, large, sums);
    case 5:
      return weight_gradient<5>(k, small, large, sums);
    case 7:
      return weight_gradient<7>(k, small, large, sums);
    default:
      return weight_gradient_any(k, small, large, sums);
  }
}

}  // namespace pleat
