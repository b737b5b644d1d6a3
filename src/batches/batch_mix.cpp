#include "batches/batch_mix.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "batches/pixel_ops.h"

namespace pleat {
namespace {

enum MixNumber : std::uint32_t { kMixUp = 1, kCutMix = 2 };

// In (0, 1], so that its logarithm is finite.
double positive_uniform(RandomStream& random) { return 1.0 - random.uniform(); }

// Source: Box and Muller 1958.
double draw_normal(RandomStream& random) {
  const double radius = std::sqrt(-2.0 * std::log(positive_uniform(random)));
  return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
}

// Returns the logarithm of a draw from a gamma distribution. For small shapes most draws would underflow a double.
// Source: Marsaglia and Tsang 2000; for shapes below 1 their last section.
double draw_log_gamma(double shape, RandomStream& random) {
  const double boost = shape < 1.0 ? std::log(positive_uniform(random)) / shape : 0.0;
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = draw_normal(random), v = std::pow(1.0 + c * x, 3);
    if (v <= 0.0) continue;
    if (std::log(positive_uniform(random)) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + boost;
  }
}

// Each image's partner is the next one of a shuffled circle. No image is its own partner, unless it is alone.
std::vector<std::int64_t> draw_partners(std::size_t count, RandomStream& random) {
  std::vector<std::int64_t> circle(count), partners(count);
  std::iota(circle.begin(), circle.end(), 0);
  shuffle(circle, random);
  for (std::size_t i = 0; i < count; ++i) partners[static_cast<std::size_t>(circle[i])] = circle[(i + 1) % count];
  return partners;
}

struct Boxes {
  std::vector<std::int64_t> edges;  // top, left, bottom, right of each box
  std::vector<float> share;         // of the image outside each box
};

// Centres are anywhere, so the borders may cut boxes off. The share counts the remaining part of a box.
Boxes draw_boxes(double alpha, std::int64_t height, std::int64_t width, std::vector<RandomStream>& streams) {
  Boxes boxes;
  for (RandomStream& random : streams) {
    const double side = std::sqrt(1.0 - draw_beta(alpha, random));
    const auto rows = static_cast<std::int64_t>(side * static_cast<double>(height));
    const auto columns = static_cast<std::int64_t>(side * static_cast<double>(width));
    const std::int64_t y = random.below(static_cast<std::uint32_t>(height));
    const std::int64_t x = random.below(static_cast<std::uint32_t>(width));
    const std::int64_t top = std::clamp<std::int64_t>(y - rows / 2, 0, height);
    const std::int64_t bottom = std::clamp<std::int64_t>(y - rows / 2 + rows, 0, height);
    const std::int64_t left = std::clamp<std::int64_t>(x - columns / 2, 0, width);
    const std::int64_t right = std::clamp<std::int64_t>(x - columns / 2 + columns, 0, width);
    boxes.edges.insert(boxes.edges.end(), {top, left, bottom, right});
    const auto area = static_cast<double>((bottom - top) * (right - left));
    boxes.share.push_back(static_cast<float>(1.0 - area / static_cast<double>(height * width)));
  }
  return boxes;
}

}  // namespace

double draw_beta(double alpha, RandomStream& random) {
  const double one = draw_log_gamma(alpha, random), other = draw_log_gamma(alpha, random);
  return 1.0 / (1.0 + std::exp(other - one));
}

void mix_batch(const AugmentContext& context, Batch& batch) {
  const at::MemoryFormat format = batch.images.suggest_memory_format();
  const AugmentConfig& config = context.config;
  const torch::Device device = batch.images.device();
  RandomStream random = context.key.of_batch();
  const bool by_boxes = config.cutmix > 0.0 && (config.mixup <= 0.0 || random.below(2) == 1);
  batch.partners = at::tensor(draw_partners(context.key.rows.size(), random), at::kLong).to(device);
  const torch::Tensor others = batch.images.index_select(0, batch.partners);
  std::vector<RandomStream> streams = context.key.per_image(Purpose::kMix, by_boxes ? kCutMix : kMixUp);
  if (by_boxes) {
    const Boxes boxes = draw_boxes(config.cutmix, batch.images.size(2), batch.images.size(3), streams);
    const torch::Tensor edges = at::tensor(boxes.edges, at::kLong).to(device);
    batch.images =
        at::where(inside(edges, batch.images.size(2), batch.images.size(3)), others, batch.images).contiguous(format);
    batch.share = at::tensor(boxes.share, at::kFloat).to(device);
    return;
  }
  std::vector<float> shares;
  for (RandomStream& stream : streams) shares.push_back(static_cast<float>(draw_beta(config.mixup, stream)));
  batch.share = at::tensor(shares, at::kFloat).to(device);
  batch.images = at::lerp(others, batch.images, batch.share.reshape({-1, 1, 1, 1})).contiguous(format);
}

}  // namespace pleat
