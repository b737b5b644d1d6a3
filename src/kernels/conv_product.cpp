#include "kernels/conv_product.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cstring>

#include "kernels/wide_float.h"

namespace pleat {
namespace {

using torch::Tensor;

constexpr std::int64_t kMostPatchBytes = 32 << 20;  // larger batches are walked in pieces

std::int64_t pixels(const ConvShape& s) { return s.out_h() * s.out_w(); }
std::int64_t patch_size(const ConvShape& s) { return s.taps() * s.in_channels; }

bool is_matrix_already(const ConvShape& s) {
  return s.taps() == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
}

std::int64_t images_at_once(const ConvShape& s, const Tensor& like) {
  const std::int64_t bytes = pixels(s) * patch_size(s) * static_cast<std::int64_t>(like.element_size());
  return std::max<std::int64_t>(1, kMostPatchBytes / bytes);
}

// The taps [first, last) of a kernel's row that fall inside the image.
struct Taps {
  std::int64_t first, last;
};
Taps inside(std::int64_t begin, std::int64_t kernel, std::int64_t size) {
  return {std::clamp<std::int64_t>(-begin, 0, kernel), std::clamp<std::int64_t>(size - begin, 0, kernel)};
}

// Copies one output pixel's patch. A kernel row's taps are adjacent in NHWC memory, so each row is one copy.
void copy_patch(const ConvShape& s, const char* image, std::int64_t y, std::int64_t x, std::size_t pixel_bytes,
                char* out) {
  const std::int64_t top = y * s.stride_h - s.pad_h, left = x * s.stride_w - s.pad_w;
  const Taps columns = inside(left, s.kernel_w, s.width);
  const auto bytes = [&](std::int64_t taps) { return static_cast<std::size_t>(taps) * pixel_bytes; };
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky, out += bytes(s.kernel_w)) {
    const std::int64_t row = top + ky;
    if (row < 0 || row >= s.height || columns.first >= columns.last) {
      std::memset(out, 0, bytes(s.kernel_w));
      continue;
    }
    std::memset(out, 0, bytes(columns.first));
    std::memcpy(out + bytes(columns.first), image + bytes(row * s.width + left + columns.first),
                bytes(columns.last - columns.first));
    std::memset(out + bytes(columns.last), 0, bytes(s.kernel_w - columns.last));
  }
}

// x [N, C, H, W] as the matrix [N * out_h * out_w, kh * kw * C].
Tensor patches(const ConvShape& s, const Tensor& x) {
  const std::int64_t images = x.size(0);
  if (is_matrix_already(s)) return x.permute({0, 2, 3, 1}).view({images * pixels(s), s.in_channels});
  const Tensor matrix = at::empty({images * pixels(s), patch_size(s)}, x.options());
  const std::size_t pixel_bytes = static_cast<std::size_t>(s.in_channels) * x.element_size();
  const auto* from = static_cast<const char*>(x.const_data_ptr());
  auto* to = static_cast<char*>(matrix.mutable_data_ptr());
  const std::int64_t rows = images * s.out_h(), width = s.out_w();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const char* image = from + static_cast<std::size_t>(row / s.out_h() * s.height * s.width) * pixel_bytes;
      char* out = to + static_cast<std::size_t>(row * width * s.taps()) * pixel_bytes;
      for (std::int64_t column = 0; column < width; ++column, out += static_cast<std::size_t>(s.taps()) * pixel_bytes)
        copy_patch(s, image, row % s.out_h(), column, pixel_bytes, out);
    }
  });
  return matrix;
}

// Sums one pixel's gradient in float32 over all patches that contain it. In bf16 the matrix product has already rounded
// each summand.
template <class T>
void gather_pixel(const ConvShape& s, const T* matrix, std::int64_t y, std::int64_t x, float* sum, T* out) {
  const std::int64_t channels = s.in_channels, out_h = s.out_h(), out_w = s.out_w();
  std::fill_n(sum, channels, 0.0F);
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
    const std::int64_t down = y + s.pad_h - ky, oy = down / s.stride_h;
    if (down < 0 || down % s.stride_h != 0 || oy >= out_h) continue;
    for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
      const std::int64_t right = x + s.pad_w - kx, ox = right / s.stride_w;
      if (right < 0 || right % s.stride_w != 0 || ox >= out_w) continue;
      add_to(sum, matrix + ((oy * out_w + ox) * s.taps() + ky * s.kernel_w + kx) * channels, channels);
    }
  }
  narrow(sum, out, channels);
}

template <class T>
void gather_images(const ConvShape& s, const Tensor& matrix, const Tensor& gx) {
  const auto* from = static_cast<const T*>(matrix.const_data_ptr());
  auto* to = static_cast<T*>(gx.mutable_data_ptr());
  at::parallel_for(0, gx.size(0) * s.height, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> sum(static_cast<std::size_t>(s.in_channels));
    for (std::int64_t row = begin; row < end; ++row) {
      const T* image = from + row / s.height * pixels(s) * patch_size(s);
      for (std::int64_t x = 0; x < s.width; ++x)
        gather_pixel(s, image, row % s.height, x, sum.data(), to + (row * s.width + x) * s.in_channels);
    }
  });
}

// The inverse of patches: sums the patches' gradients per pixel. gx: [n, C, H, W], channels_last.
void gather(const ConvShape& s, const Tensor& matrix, const Tensor& gx) {
  s.bf16 ? gather_images<Bf16>(s, matrix, gx) : gather_images<float>(s, matrix, gx);
}

Tensor weight_matrix(const ConvShape& s, const Tensor& weight) {
  return weight.contiguous(at::MemoryFormat::ChannelsLast)
      .permute({0, 2, 3, 1})
      .reshape({s.out_channels, patch_size(s)});
}

Tensor pixel_matrix(const Tensor& y) { return y.permute({0, 2, 3, 1}).reshape({-1, y.size(1)}); }

// Calls work(first image, number of images) for pieces whose patches fit into kMostPatchBytes.
template <class Work>
void in_pieces(const ConvShape& s, const Tensor& x, const Work& work) {
  const std::int64_t count = x.size(0), most = images_at_once(s, x);
  for (std::int64_t first = 0; first < count; first += most) work(first, std::min(most, count - first));
}

}  // namespace

Tensor product_forward(const ConvShape& s, const Tensor& x, const Tensor& weight) {
  const Tensor transposed = weight_matrix(s, weight).t();
  std::vector<Tensor> parts;
  in_pieces(s, x, [&](std::int64_t first, std::int64_t count) {
    parts.push_back(at::mm(patches(s, x.narrow(0, first, count)), transposed));
  });
  const Tensor rows = parts.size() == 1 ? parts.front() : at::cat(parts);
  return rows.view({x.size(0), s.out_h(), s.out_w(), s.out_channels}).permute({0, 3, 1, 2});
}

Tensor product_data_gradient(const ConvShape& s, const Tensor& gy, const Tensor& weight) {
  const Tensor matrix = weight_matrix(s, weight);
  if (is_matrix_already(s))
    return at::mm(pixel_matrix(gy), matrix).view({gy.size(0), s.height, s.width, s.in_channels}).permute({0, 3, 1, 2});
  const Tensor gx =
      at::empty({gy.size(0), s.in_channels, s.height, s.width}, gy.options(), at::MemoryFormat::ChannelsLast);
  in_pieces(s, gy, [&](std::int64_t first, std::int64_t count) {
    gather(s, at::mm(pixel_matrix(gy.narrow(0, first, count)), matrix), gx.narrow(0, first, count));
  });
  return gx;
}

Tensor product_weight_gradient(const ConvShape& s, const Tensor& gy, const Tensor& x) {
  Tensor sum;
  in_pieces(s, x, [&](std::int64_t first, std::int64_t count) {
    const Tensor part = at::mm(pixel_matrix(gy.narrow(0, first, count)).t(), patches(s, x.narrow(0, first, count)));
    if (count == x.size(0))
      sum = part;
    else
      sum = sum.defined() ? sum.add_(part) : part.to(at::kFloat);  // in bf16 the product rounded each piece
  });
  return sum.to(x.scalar_type()).view({s.out_channels, s.kernel_h, s.kernel_w, s.in_channels}).permute({0, 3, 1, 2});
}

}  // namespace pleat
