#include "batches/rand_augment.h"

#include <ATen/Functions.h>

#include <array>

#include "batches/pixel_ops.h"

namespace pleat {
namespace {

constexpr double kStrongest = 30.0;  // magnitude

// Amounts are the magnitude's share of the strongest: from -1 to 1 if a sign is drawn, else from 0 to 1.
Affine shear(const torch::Tensor& amounts, bool along_x) {
  const torch::Tensor zero = at::zeros_like(amounts), one = at::ones_like(amounts), slope = amounts * 0.3;
  const torch::Tensor matrix = at::stack({one, along_x ? slope : zero, along_x ? zero : slope, one}, 1);
  return {matrix.reshape({-1, 2, 2}), at::zeros({amounts.size(0), 2}, amounts.options())};
}

// Up to 150 of 331 pixels; 331 is the size of the paper's images.
Affine shifted(const torch::Tensor& amounts, const torch::Tensor& pixels, bool along_x) {
  const double most = 150.0 / 331.0 * static_cast<double>(pixels.size(along_x ? 3 : 2));
  const torch::Tensor zero = at::zeros_like(amounts), pixels_moved = amounts * most;
  const torch::Tensor identity = at::eye(2, amounts.options()).expand({amounts.size(0), 2, 2});
  return {identity, at::stack({along_x ? pixels_moved : zero, along_x ? zero : pixels_moved}, 1)};
}

// From 8 bits down to 4 at the strongest.
torch::Tensor posterized(const torch::Tensor& pixels, const torch::Tensor& amounts) {
  return posterize(pixels, at::exp2(8.0 - (amounts.abs() * 4.0).round()));
}

struct Operation {
  bool either_way;  // a sign is drawn
  torch::Tensor (*apply)(const torch::Tensor& pixels, const torch::Tensor& amounts);
};
using Pixels = const torch::Tensor&;
using Amounts = const torch::Tensor&;
constexpr std::array kOperations{
    Operation{false, [](Pixels pixels, Amounts) { return pixels; }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return move_pixels(pixels, shear(amounts, true)); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return move_pixels(pixels, shear(amounts, false)); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return move_pixels(pixels, shifted(amounts, pixels, true)); }},
    Operation{true,
              [](Pixels pixels, Amounts amounts) { return move_pixels(pixels, shifted(amounts, pixels, false)); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return move_pixels(pixels, rotation(amounts * 30.0)); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return adjust_brightness(pixels, amounts * 0.9 + 1.0); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return adjust_saturation(pixels, amounts * 0.9 + 1.0); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return adjust_contrast(pixels, amounts * 0.9 + 1.0); }},
    Operation{true, [](Pixels pixels, Amounts amounts) { return adjust_sharpness(pixels, amounts * 0.9 + 1.0); }},
    Operation{false, posterized},
    Operation{false, [](Pixels pixels, Amounts amounts) { return solarize(pixels, 1.0 - amounts); }},
    Operation{false, [](Pixels pixels, Amounts) { return autocontrast(pixels); }},
    Operation{false, [](Pixels pixels, Amounts) { return equalize(pixels); }}};

}  // namespace

torch::Tensor rand_augment(const RandAugmentConfig& config, std::vector<RandomStream>& streams,
                           const torch::Tensor& pixels) {
  torch::Tensor changed = pixels.clone();
  const double strength = static_cast<double>(config.magnitude) / kStrongest;
  for (std::int64_t round = 0; round < config.ops; ++round) {
    // Images with the same operation are changed together.
    std::array<std::vector<std::int64_t>, kOperations.size()> images;
    std::array<std::vector<float>, kOperations.size()> amounts;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const std::size_t which = streams[i].below(static_cast<std::uint32_t>(kOperations.size()));
      const bool negative = streams[i].below(2) == 1 && kOperations[which].either_way;
      images[which].push_back(static_cast<std::int64_t>(i));
      amounts[which].push_back(static_cast<float>(negative ? -strength : strength));
    }
    for (std::size_t which = 0; which < kOperations.size(); ++which) {
      if (images[which].empty()) continue;
      const torch::Tensor index = at::tensor(images[which], at::kLong).to(pixels.device());
      const torch::Tensor amount = at::tensor(amounts[which], at::kFloat).to(pixels.device());
      changed.index_copy_(0, index, kOperations[which].apply(changed.index_select(0, index), amount));
    }
  }
  return changed;
}

}  // namespace pleat
