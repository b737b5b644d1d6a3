#include "batches/pixel_ops.h"

#include <ATen/Functions.h>

#include <array>
#include <numbers>

namespace pleat {
namespace {

torch::Tensor per_image(const torch::Tensor& amounts) { return amounts.reshape({-1, 1, 1, 1}); }

torch::Tensor clamped(const torch::Tensor& images) { return images.clamp(0.0, 1.0); }

// amount 0: `other`; 1: the images.
torch::Tensor blended(const torch::Tensor& images, const torch::Tensor& other, const torch::Tensor& amounts) {
  const torch::Tensor share = per_image(amounts);
  return clamped(images * share + other * (1.0 - share));
}

// [n, 1, H, W]. Source of the weights: ITU-R BT.601.
torch::Tensor gray_of(const torch::Tensor& images) {
  if (images.size(1) == 1) return images;
  return images.select(1, 0).mul(0.2989).add(images.select(1, 1), 0.587).add(images.select(1, 2), 0.114).unsqueeze(1);
}

torch::Tensor blurred(const torch::Tensor& images) {
  if (images.size(2) < 3 || images.size(3) < 3) return images;
  const std::int64_t channels = images.size(1);
  torch::Tensor kernel = at::full({channels, 1, 3, 3}, 1.0 / 13.0, images.options());
  kernel.select(2, 1).select(2, 1).fill_(5.0 / 13.0);
  torch::Tensor result = images.clone();
  constexpr std::array<std::int64_t, 2> kOnes{1, 1}, kZeros{0, 0};
  const torch::Tensor inner =
      at::conv2d(images, kernel, /*bias=*/{}, /*stride=*/kOnes, /*padding=*/at::IntArrayRef(kZeros), kOnes, channels);
  result.slice(2, 1, -1).slice(3, 1, -1).copy_(inner);
  return result;
}

}  // namespace

torch::Tensor adjust_brightness(const torch::Tensor& images, const torch::Tensor& amounts) {
  return clamped(images * per_image(amounts));
}

torch::Tensor adjust_contrast(const torch::Tensor& images, const torch::Tensor& amounts) {
  return blended(images, gray_of(images).mean({1, 2, 3}, /*keepdim=*/true), amounts);
}

torch::Tensor adjust_saturation(const torch::Tensor& images, const torch::Tensor& amounts) {
  return images.size(1) == 1 ? images : blended(images, gray_of(images), amounts);
}

torch::Tensor adjust_sharpness(const torch::Tensor& images, const torch::Tensor& amounts) {
  return blended(images, blurred(images), amounts);
}

torch::Tensor solarize(const torch::Tensor& images, const torch::Tensor& amounts) {
  return at::where(images >= per_image(amounts), 1.0 - images, images);
}

torch::Tensor posterize(const torch::Tensor& images, const torch::Tensor& amounts) {
  const torch::Tensor levels = per_image(amounts);
  return images.mul(levels).floor().minimum(levels - 1.0).clamp_min(0.0).div(levels);
}

torch::Tensor autocontrast(const torch::Tensor& images) {
  const torch::Tensor low = images.amin({2, 3}, /*keepdim=*/true), high = images.amax({2, 3}, /*keepdim=*/true);
  const torch::Tensor constant = high <= low;
  const torch::Tensor span = at::where(constant, at::ones_like(high), high - low);
  return clamped((images - at::where(constant, at::zeros_like(low), low)) / span);
}

// Source: PIL.ImageOps.equalize. `step` is the number of pixels per level, not counting pixels of the highest level.
torch::Tensor equalize(const torch::Tensor& images) {
  constexpr std::int64_t kLevels = 256;
  const std::int64_t n = images.size(0), channels = images.size(1);
  const torch::Tensor pixels = clamped(images).mul(255.0).round().to(at::kLong).reshape({n * channels, -1});
  torch::Tensor counts = at::zeros({n * channels, kLevels}, pixels.options());
  counts.scatter_add_(1, pixels, at::ones_like(pixels));
  const torch::Tensor last = counts.gather(1, pixels.amax({1}, /*keepdim=*/true));
  const torch::Tensor step = at::floor_divide(pixels.size(1) - last, kLevels - 1);
  const torch::Tensor flat = step == 0;
  const torch::Tensor divisor = at::where(flat, at::ones_like(step), step);
  const torch::Tensor before = counts.cumsum(1) - counts;  // pixels of lower levels
  const torch::Tensor table = at::floor_divide(before + at::floor_divide(divisor, 2), divisor).clamp_max(kLevels - 1);
  const torch::Tensor spread = at::where(flat, pixels, table.gather(1, pixels));
  return spread.to(at::kFloat).div(255.0).reshape(images.sizes());
}

torch::Tensor move_pixels(const torch::Tensor& images, const Affine& affine) {
  const auto height = static_cast<double>(images.size(2)), width = static_cast<double>(images.size(3));
  // In grid_sample's coordinates an image reaches from -1 to 1 on both axes, whatever its size.
  const torch::Tensor half = at::tensor({width / 2, height / 2}, at::kFloat).to(images.device());
  const torch::Tensor matrix = affine.matrix * half.reshape({1, 1, 2}) / half.reshape({1, 2, 1});
  const torch::Tensor theta = at::cat({matrix, (affine.shift / half).unsqueeze(2)}, 2);
  const torch::Tensor grid = at::affine_grid_generator(theta, images.sizes(), /*align_corners=*/false);
  constexpr int kBilinear = 0, kZeros = 0;
  return at::grid_sampler(images, grid, kBilinear, kZeros, /*align_corners=*/false);
}

torch::Tensor inside(const torch::Tensor& boxes, std::int64_t height, std::int64_t width) {
  const torch::Tensor edges = boxes.reshape({-1, 4, 1});
  const torch::Tensor y = at::arange(height, boxes.options()), x = at::arange(width, boxes.options());
  const torch::Tensor rows = (y >= edges.select(1, 0)) & (y < edges.select(1, 2));
  const torch::Tensor columns = (x >= edges.select(1, 1)) & (x < edges.select(1, 3));
  return (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1);
}

Affine rotation(const torch::Tensor& degrees) {
  const torch::Tensor angle = degrees * (std::numbers::pi / 180.0), cosine = angle.cos(), sine = angle.sin();
  // y points down. An image turned counterclockwise shows at (x, y) the input pixel clockwise from there.
  const torch::Tensor matrix = at::stack({cosine, -sine, sine, cosine}, 1).reshape({-1, 2, 2});
  return {matrix, at::zeros({degrees.size(0), 2}, degrees.options())};
}

}  // namespace pleat
