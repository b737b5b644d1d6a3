#include "batches/batch_augment.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "batches/batch_mix.h"
#include "batches/pixel_ops.h"
#include "batches/rand_augment.h"

namespace pleat {
namespace {

// Numbers of the augmentations that draw for each image. Part of the reproducibility guarantee: never change them.
enum Number : std::uint32_t { kRotate = 1, kJitter = 2, kRandAugment = 3, kErase = 4 };

double between(RandomStream& random, double low, double high) { return low + (high - low) * random.uniform(); }

// One number per image, on the pixels' device.
template <class Draw>
torch::Tensor drawn(std::vector<RandomStream>& streams, const torch::Tensor& pixels, const Draw& draw) {
  std::vector<float> values;
  for (RandomStream& random : streams) values.push_back(static_cast<float>(draw(random)));
  return at::tensor(values, at::kFloat).to(pixels.device());
}

torch::Tensor rotate(const AugmentContext& context, const torch::Tensor& pixels) {
  std::vector<RandomStream> streams = context.key.per_image(Purpose::kPixels, kRotate);
  const double most = context.config.rotate;
  return move_pixels(
      pixels, rotation(drawn(streams, pixels, [&](RandomStream& random) { return between(random, -most, most); })));
}

// The order is the same for all images; other programs draw the order too.
torch::Tensor jitter(const AugmentContext& context, const torch::Tensor& pixels) {
  std::vector<RandomStream> streams = context.key.per_image(Purpose::kPixels, kJitter);
  const double most = context.config.jitter;
  torch::Tensor changed = pixels;
  for (const auto adjust : {adjust_brightness, adjust_contrast, adjust_saturation}) {
    const auto factor = [&](RandomStream& random) { return between(random, 1.0 - most, 1.0 + most); };
    changed = adjust(changed, drawn(streams, pixels, factor));
  }
  return changed;
}

torch::Tensor random_operations(const AugmentContext& context, const torch::Tensor& pixels) {
  std::vector<RandomStream> streams = context.key.per_image(Purpose::kPixels, kRandAugment);
  return rand_augment(context.config.randaugment, streams, pixels);
}

// Returns the box of one image; empty if the image is not erased, or if none of ten draws fits.
std::array<std::int64_t, 4> box_to_erase(double probability, std::int64_t height, std::int64_t width,
                                         RandomStream& random) {
  constexpr double kSmallest = 0.02, kLargest = 0.33, kNarrowest = 0.3, kWidest = 3.3;
  if (random.uniform() >= probability) return {};
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = static_cast<double>(height * width) * between(random, kSmallest, kLargest);
    const double ratio = std::exp(between(random, std::log(kNarrowest), std::log(kWidest)));  // height / width
    const auto rows = std::llround(std::sqrt(area * ratio)), columns = std::llround(std::sqrt(area / ratio));
    if (rows < 1 || rows >= height || columns < 1 || columns >= width) continue;
    const std::int64_t top = random.below(static_cast<std::uint32_t>(height - rows + 1));
    const std::int64_t left = random.below(static_cast<std::uint32_t>(width - columns + 1));
    return {top, left, top + rows, left + columns};
  }
  return {};
}

// Source: Zhong et al. 2017, arXiv:1708.04896, as in torchvision's RandomErasing.
torch::Tensor erase(const AugmentContext& context, const torch::Tensor& pixels) {
  std::vector<RandomStream> streams = context.key.per_image(Purpose::kPixels, kErase);
  std::vector<std::int64_t> edges;
  for (RandomStream& random : streams) {
    const auto box = box_to_erase(context.config.erase, pixels.size(2), pixels.size(3), random);
    edges.insert(edges.end(), box.begin(), box.end());
  }
  const torch::Tensor boxes = at::tensor(edges, at::kLong).to(pixels.device());
  const torch::Tensor mean = at::tensor(context.norm.mean, at::kFloat).to(pixels.device()).reshape({1, -1, 1, 1});
  return at::where(inside(boxes, pixels.size(2), pixels.size(3)), mean, pixels);
}

using Config = AugmentConfig;
constexpr std::array kAugmentations{
    Augmentation{"flip", [](const Config& c) { return c.flip; },
                 [](const Config& from, Config& to) { to.flip = from.flip; }, nullptr},
    Augmentation{"pad", [](const Config& c) { return c.pad > 0; },
                 [](const Config& from, Config& to) { to.pad = from.pad; }, nullptr},
    Augmentation{"resized_crop", [](const Config& c) { return c.resized_crop < 1.0; },
                 [](const Config& from, Config& to) { to.resized_crop = from.resized_crop; }, nullptr},
    Augmentation{"rotate", [](const Config& c) { return c.rotate > 0.0; },
                 [](const Config& from, Config& to) { to.rotate = from.rotate; }, rotate},
    Augmentation{"jitter", [](const Config& c) { return c.jitter > 0.0; },
                 [](const Config& from, Config& to) { to.jitter = from.jitter; }, jitter},
    Augmentation{"randaugment", [](const Config& c) { return c.randaugment.ops > 0; },
                 [](const Config& from, Config& to) { to.randaugment = from.randaugment; }, random_operations},
    Augmentation{"erase", [](const Config& c) { return c.erase > 0.0; },
                 [](const Config& from, Config& to) { to.erase = from.erase; }, erase},
    Augmentation{"mixup", [](const Config& c) { return c.mixup > 0.0; },
                 [](const Config& from, Config& to) { to.mixup = from.mixup; }, nullptr},
    Augmentation{"cutmix", [](const Config& c) { return c.cutmix > 0.0; },
                 [](const Config& from, Config& to) { to.cutmix = from.cutmix; }, nullptr}};

// Converts the images to pixels from 0 to 1, changes them, and normalises them again.
void change_pixels(const AugmentContext& context, Batch& batch) {
  const bool changes = std::any_of(kAugmentations.begin(), kAugmentations.end(), [&](const Augmentation& each) {
    return each.change != nullptr && each.wanted(context.config);
  });
  if (!changes) return;
  const auto per_channel = [&](const std::vector<double>& values) {
    return at::tensor(values, at::kFloat).to(batch.images.device()).reshape({1, -1, 1, 1});
  };
  const torch::Tensor mean = per_channel(context.norm.mean), std = per_channel(context.norm.std);
  torch::Tensor pixels = (batch.images * std + mean).clamp(0.0, 1.0);
  for (const Augmentation& each : kAugmentations) {
    if (each.change != nullptr && each.wanted(context.config)) pixels = each.change(context, pixels);
  }
  batch.images = pixels.sub(mean).div(std).contiguous(batch.images.suggest_memory_format());
}

// Changes only the rows that have a pseudo-label, or only the others.
void change_some(const AugmentContext& context, Batch& batch, bool pseudo) {
  std::vector<std::int64_t> places, rows;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    if (batch.pseudo[i] != pseudo) continue;
    places.push_back(static_cast<std::int64_t>(i));
    rows.push_back(batch.rows[i]);
  }
  if (places.empty()) return;
  const torch::Tensor where = at::tensor(places, at::kLong).to(batch.images.device());
  Batch some{.images = batch.images.index_select(0, where), .rows = rows};
  change_pixels({context.config, context.norm, {context.key.key, some.rows}}, some);
  batch.images.index_copy_(0, where, some.images);
}

}  // namespace

std::vector<RandomStream> BatchKey::per_image(Purpose purpose, std::uint32_t number) const {
  RandomKey of_image = key;
  of_image.purpose = purpose;
  of_image.step = 0;  // independent of the shuffle: an image occurs once an epoch
  of_image.part = number;
  std::vector<RandomStream> streams;
  for (const std::int64_t row : rows) {
    of_image.sample = static_cast<std::uint64_t>(row);
    streams.emplace_back(of_image);
  }
  return streams;
}

RandomStream BatchKey::of_batch() const {
  RandomKey of_batch = key;
  of_batch.purpose = Purpose::kMix;
  return RandomStream(of_batch);
}

std::span<const Augmentation> augmentations() { return kAugmentations; }

AugmentConfig no_augmentation() { return {.flip = false, .pad = 0}; }

AugmentConfig only(const Augmentation& augmentation, const AugmentConfig& config) {
  AugmentConfig alone = no_augmentation();
  augmentation.copy(config, alone);
  return alone;
}

void augment_batch(const AugmentContext& context, Batch& batch, const AugmentConfig* pseudo) {
  const at::NoGradGuard no_grad;
  if (pseudo != nullptr && !batch.pseudo.empty()) {
    change_some(context, batch, false);
    change_some({*pseudo, context.norm, context.key}, batch, true);
  } else {
    change_pixels(context, batch);
  }
  const AugmentConfig& mixing = pseudo != nullptr ? *pseudo : context.config;
  if (mixing.mixup > 0.0 || mixing.cutmix > 0.0) mix_batch({mixing, context.norm, context.key}, batch);
}

}  // namespace pleat
