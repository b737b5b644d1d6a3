#include "train/image_views.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstdlib>

namespace pleat {
namespace {

torch::Tensor moved(const torch::Tensor& images, std::int64_t right, std::int64_t down, const torch::Tensor& black) {
  const std::int64_t height = images.size(2), width = images.size(3);
  const std::int64_t x = std::clamp(right, -width, width), y = std::clamp(down, -height, height);
  const std::int64_t rows = height - std::abs(y), columns = width - std::abs(x);
  // The rectangle that stays visible, with its top left corner at (top, left).
  const auto part = [&](const torch::Tensor& of, std::int64_t top, std::int64_t left) {
    return of.narrow(2, std::max<std::int64_t>(0, top), rows).narrow(3, std::max<std::int64_t>(0, left), columns);
  };
  torch::Tensor result = at::empty_like(images);
  result.copy_(black.expand_as(images));
  part(result, y, x).copy_(part(images, -y, -x));
  return result;
}

}  // namespace

std::vector<ImageView> views_of(bool flip, std::int64_t shift) {
  std::vector<ImageView> views(1);
  if (shift > 0) views = {{}, {.right = -shift}, {.right = shift}, {.down = -shift}, {.down = shift}};
  if (!flip) return views;
  const std::vector<ImageView> upright = views;
  for (ImageView view : upright) {
    view.flip = true;
    views.push_back(view);
  }
  return views;
}

// The same formula as PixelWriter's, so that the bits are the same.
torch::Tensor black_pixel(const PixelNorm& norm, const torch::Device& device) {
  std::vector<float> values;
  for (std::size_t c = 0; c < norm.mean.size(); ++c) values.push_back(static_cast<float>(-norm.mean[c] / norm.std[c]));
  return at::tensor(values).view({1, -1, 1, 1}).to(device);
}

torch::Tensor seen_by(const ImageView& view, const torch::Tensor& images, const torch::Tensor& black) {
  if (!view.flip && view.right == 0 && view.down == 0) return images;
  const torch::Tensor turned = view.flip ? images.flip(3).contiguous(images.suggest_memory_format()) : images;
  return view.right == 0 && view.down == 0 ? turned : moved(turned, view.right, view.down, black);
}

}  // namespace pleat
