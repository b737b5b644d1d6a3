// Changes to training images: pure in (image, random numbers of the sample's key).
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/random.h"
#include "data/crop_file.h"

namespace pleat {

struct AugmentConfig {
  bool flip = true;
  std::int64_t pad = 4;
  double resized_crop = 1.0;
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &AugmentConfig::flip, any(), identity, "mirror half of the training images left to right"),
        field("pad", &AugmentConfig::pad, between(0, 256), identity,
              "shift training images by up to this many pixels each way, black coming in (pad and crop); 0: off"),
        field("resized_crop", &AugmentConfig::resized_crop, above_zero_to_one(), identity,
              "show a random part of each training image, of at least this share of its area and with sides of 3:4 to "
              "4:3, at the whole image's size (random resized crop, instead of pad); 1: off")};
  }
};

/// Per-channel mean and standard deviation, in units of the pixel range (0 to 1).
struct PixelNorm {
  std::vector<double> mean, std;
};

/// Mean and standard deviation over up to `most_rows` of the given rows, evenly strided. Sums are of whole numbers, so
/// the result is the same on every machine. A channel that is constant gets std 1.
PixelNorm measure_pixels(const CropFile& crops, std::span<const std::int64_t> rows, std::size_t most_rows = 10'000);

/// A rectangle in pixels of the image; it may reach out of it, where all is black.
struct Box {
  int top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Box&) const = default;
};
Box whole_image(const ImageShape& shape);

/// What is shown of an image: `box`, mirrored left to right if `flip`.
struct Placement {
  Box box;
  bool flip = false;
};
/// Source of the resized crop: Szegedy et al. 2014, arXiv:1409.4842, as in torchvision's RandomResizedCrop.
Placement draw_placement(const AugmentConfig& config, const ImageShape& shape, RandomStream& random);

}  // namespace pleat
