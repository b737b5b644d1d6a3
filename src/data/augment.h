// The options of all augmentations, and the draws of those that select the visible part of an image: flip, pad, resized
// crop. PixelWriter applies these while it reads a batch; the others are in batch_augment.h. An augmentation depends
// only on the image and on the random numbers of the sample's key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/random.h"
#include "data/crop_file.h"

namespace pleat {

struct RandAugmentConfig {
  std::int64_t ops = 0;
  std::int64_t magnitude = 9;
  static constexpr auto fields() {
    return std::tuple{
        field("ops", &RandAugmentConfig::ops, between(0, 14), identity,
              "number of random operations on each image, applied in sequence, out of 14: shears, shifts, rotation, "
              "brightness, color, contrast, sharpness, posterize, solarize, autocontrast, equalize, none; for example "
              "2; 0: off"),
        field("magnitude", &RandAugmentConfig::magnitude, between(0, 30), identity,
              "strength of the operations, 0 to 30; 30: shears of 0.3, shifts of 45 %, 30 degrees, factors of 0.1 and "
              "1.9")};
  }
};

struct AugmentConfig {
  bool flip = true;
  std::int64_t pad = 4;
  double resized_crop = 1.0;
  double rotate = 0.0;
  double jitter = 0.0;
  RandAugmentConfig randaugment;
  double erase = 0.0;
  double mixup = 0.0;
  double cutmix = 0.0;
  bool alternate_flips = false;
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &AugmentConfig::flip, any(), identity, "mirror half of the training images left to right"),
        field("alternate_flips", &AugmentConfig::alternate_flips, any(), omit_at_default,
              "with flip, mirror an image in every second epoch rather than at random, so that two epochs show both "
              "sides (Jordan 2024)"),
        field("pad", &AugmentConfig::pad, between(0, 256), identity,
              "shift training images by up to this many pixels each way, with black borders (pad and crop); 0: off"),
        field("resized_crop", &AugmentConfig::resized_crop, above_zero_to_one(), omit_at_default,
              "scale a random part of each training image to the whole image's size (random resized crop, instead of "
              "pad); the part has at least this share of the area and sides of 3:4 to 4:3; 1: off"),
        field("rotate", &AugmentConfig::rotate, between(0.0, 180.0), omit_at_default,
              "rotate training images about their centre by up to this many degrees each way, with black borders; 0: "
              "off"),
        field("jitter", &AugmentConfig::jitter, between(0.0, 1.0), omit_at_default,
              "multiply brightness, contrast and saturation by random factors of 1 plus or minus up to this value; 0: "
              "off"),
        field("randaugment", &AugmentConfig::randaugment, any(), omit_at_default, "RandAugment (Cubuk et al. 2019)"),
        field("erase", &AugmentConfig::erase, between(0.0, 1.0), omit_at_default,
              "in this share of training images, a box of 2 to 33 % of the area gets the mean color; 0: off"),
        field("mixup", &AugmentConfig::mixup, between(0.0, 100.0), omit_at_default,
              "blend each training image and its label with another of its micro-batch, by shares drawn from a beta "
              "distribution with this alpha (for example 0.2); 0: off"),
        field("cutmix", &AugmentConfig::cutmix, between(0.0, 100.0), omit_at_default,
              "paste a box of another training image into each, and blend the labels by area; shares are drawn as for "
              "mixup (for example 1.0); with mixup as well, each micro-batch gets one of both; 0: off")};
  }
};

/// Per-channel mean and standard deviation, in units of the pixel range (0 to 1).
struct PixelNorm {
  std::vector<double> mean, std;
  bool operator==(const PixelNorm&) const = default;
};

/// Mean and standard deviation over up to `most_rows` of the given rows, evenly strided. Integer sums give the same
/// result on every machine. A constant channel gets std 1.
PixelNorm measure_pixels(const CropFile& crops, std::span<const std::int64_t> rows, std::size_t most_rows = 10'000);

/// A rectangle in pixels of the image. Parts outside the image are black.
struct Box {
  int top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Box&) const = default;
};
Box whole_image(const ImageShape& shape);

/// The visible part of an image: `box`, mirrored left to right if `flip`.
struct Placement {
  Box box;
  bool flip = false;
};
///   mirrored: the flip, if it is not to be drawn; other draws are the same
/// Source of the resized crop: Szegedy et al. 2014, arXiv:1409.4842, as in torchvision's RandomResizedCrop.
Placement draw_placement(const AugmentConfig& config, const ImageShape& shape, RandomStream& random,
                         std::optional<bool> mirrored = std::nullopt);

}  // namespace pleat
