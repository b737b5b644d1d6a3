#include "kernels/conv_depthwise.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "kernels/depthwise_block.h"

namespace pleat {
namespace {

using torch::Tensor;

std::int64_t blocks(std::int64_t channels) { return (channels + kLanes - 1) / kLanes; }

// A batch in NHWC memory, seen as planes: each is a block of up to `kLanes` channels of one image.
template <class T>
struct Planes {
  T* data;
  std::int64_t height, width, channels;

  T* at(std::int64_t image, std::int64_t block) const {
    return data + image * height * width * channels + block * kLanes;
  }
  std::int64_t lanes(std::int64_t block) const { return std::min<std::int64_t>(kLanes, channels - block * kLanes); }
};

template <class T>
Planes<T> planes(const Tensor& tensor) {
  return {static_cast<T*>(tensor.mutable_data_ptr()), tensor.size(2), tensor.size(3), tensor.size(1)};
}

PlaneSize padded(const ConvShape& s) { return {s.height + 2 * s.pad_h, s.width + 2 * s.pad_w}; }

// The weights of all channels as [block][tap][lane], float32; lanes past the last channel are zero.
template <class T>
std::vector<float> pack_weights(const ConvShape& s, const Tensor& weight) {
  const Tensor plain = weight.contiguous();
  const T* from = static_cast<const T*>(plain.const_data_ptr());
  std::vector<float> packed(static_cast<std::size_t>(blocks(s.in_channels) * s.taps() * kLanes));
  for (std::int64_t c = 0; c < s.in_channels; ++c) {
    for (std::int64_t tap = 0; tap < s.taps(); ++tap)
      packed[static_cast<std::size_t>((c / kLanes * s.taps() + tap) * kLanes + c % kLanes)] =
          widen(from[c * s.taps() + tap]);
  }
  return packed;
}

template <class T>
void unpack_weights(const ConvShape& s, const std::vector<float>& packed, const Tensor& weight) {
  T* to = static_cast<T*>(weight.mutable_data_ptr());
  for (std::int64_t c = 0; c < s.in_channels; ++c) {
    for (std::int64_t tap = 0; tap < s.taps(); ++tap)
      round_to(packed[static_cast<std::size_t>((c / kLanes * s.taps() + tap) * kLanes + c % kLanes)],
               to[c * s.taps() + tap]);
  }
}

DepthwiseKernel kernel_of(const ConvShape& s) {
  return {s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.out_h(), s.out_w(), padded(s).width};
}

// Calls work(image, block, large, small) for each block of channels; large and small are the thread's scratch planes.
template <class Work>
void for_planes(std::int64_t images, std::int64_t channels, const ConvShape& s, const Work& work) {
  const std::int64_t per_image = blocks(channels);
  at::parallel_for(0, images * per_image, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> large(static_cast<std::size_t>(padded(s).pixels() * kLanes));
    std::vector<float> small(static_cast<std::size_t>(s.out_h() * s.out_w() * kLanes));
    for (std::int64_t i = begin; i < end; ++i) work(i / per_image, i % per_image, large.data(), small.data());
  });
}

template <class T>
Tensor forward(const ConvShape& s, const Tensor& x, const Tensor& weight) {
  const Tensor y =
      at::empty({x.size(0), s.out_channels, s.out_h(), s.out_w()}, x.options(), at::MemoryFormat::ChannelsLast);
  const std::vector<float> weights = pack_weights<T>(s, weight);
  const Planes<T> from = planes<T>(x), to = planes<T>(y);
  const DepthwiseKernel kernel = kernel_of(s);
  for_planes(x.size(0), s.in_channels, s, [&](std::int64_t image, std::int64_t block, float* in, float* out) {
    load_plane(from.at(image, block), {s.height, s.width}, s.in_channels, from.lanes(block), s.pad_h, s.pad_w, in);
    block_forward(kernel, in, weights.data() + block * s.taps() * kLanes, out);
    store_plane(out, {s.out_h(), s.out_w()}, s.out_w(), s.in_channels, to.lanes(block), to.at(image, block));
  });
  return y;
}

template <class T>
Tensor data_gradient(const ConvShape& s, const Tensor& gy, const Tensor& weight) {
  const Tensor gx =
      at::empty({gy.size(0), s.in_channels, s.height, s.width}, gy.options(), at::MemoryFormat::ChannelsLast);
  const std::vector<float> weights = pack_weights<T>(s, weight);
  const Planes<T> from = planes<T>(gy), to = planes<T>(gx);
  const DepthwiseKernel kernel = kernel_of(s);
  for_planes(gy.size(0), s.in_channels, s, [&](std::int64_t image, std::int64_t block, float* in, float* out) {
    load_plane(from.at(image, block), {s.out_h(), s.out_w()}, s.in_channels, from.lanes(block), 0, 0, out);
    std::fill_n(in, padded(s).pixels() * kLanes, 0.0F);
    block_data_gradient(kernel, out, weights.data() + block * s.taps() * kLanes, in);
    const float* inner = in + (s.pad_h * padded(s).width + s.pad_w) * kLanes;
    store_plane(inner, {s.height, s.width}, padded(s).width, s.in_channels, to.lanes(block), to.at(image, block));
  });
  return gx;
}

// Each thread takes whole blocks of channels and walks the images in order, so no sum crosses threads.
template <class T>
Tensor weight_gradient(const ConvShape& s, const Tensor& gy, const Tensor& x) {
  const Tensor gw = at::empty({s.in_channels, 1, s.kernel_h, s.kernel_w}, x.options());
  std::vector<float> sums(static_cast<std::size_t>(blocks(s.in_channels) * s.taps() * kLanes));
  const Planes<T> of_x = planes<T>(x), of_y = planes<T>(gy);
  const DepthwiseKernel kernel = kernel_of(s);
  at::parallel_for(0, blocks(s.in_channels), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> in(static_cast<std::size_t>(padded(s).pixels() * kLanes));
    std::vector<float> out(static_cast<std::size_t>(s.out_h() * s.out_w() * kLanes));
    for (std::int64_t block = begin; block < end; ++block) {
      for (std::int64_t image = 0; image < x.size(0); ++image) {
        load_plane(of_x.at(image, block), {s.height, s.width}, s.in_channels, of_x.lanes(block), s.pad_h, s.pad_w,
                   in.data());
        load_plane(of_y.at(image, block), {s.out_h(), s.out_w()}, s.in_channels, of_y.lanes(block), 0, 0, out.data());
        block_weight_gradient(kernel, out.data(), in.data(), sums.data() + block * s.taps() * kLanes);
      }
    }
  });
  unpack_weights<T>(s, sums, gw);
  return gw;
}

}  // namespace

Tensor depthwise_forward(const ConvShape& s, const Tensor& x, const Tensor& weight) {
  return s.bf16 ? forward<Bf16>(s, x, weight) : forward<float>(s, x, weight);
}

Tensor depthwise_data_gradient(const ConvShape& s, const Tensor& gy, const Tensor& weight) {
  return s.bf16 ? data_gradient<Bf16>(s, gy, weight) : data_gradient<float>(s, gy, weight);
}

Tensor depthwise_weight_gradient(const ConvShape& s, const Tensor& gy, const Tensor& x) {
  return s.bf16 ? weight_gradient<Bf16>(s, gy, x) : weight_gradient<float>(s, gy, x);
}

}  // namespace pleat
