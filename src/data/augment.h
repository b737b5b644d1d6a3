// Changes to training images: pure in (image, random numbers of the sample's key). Source pixels are uint8 HWC; what
// comes out is normalised float32 HWC, ready for a channels_last batch, so that a pixel is touched once.
#pragma once

#include <array>
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
  static constexpr auto fields() {
    return std::tuple{
        field("flip", &AugmentConfig::flip, any(), identity, "mirror half of the training images left to right"),
        field("pad", &AugmentConfig::pad, between(0, 256), identity,
              "shift training images by up to this many pixels each way, black coming in (pad and crop); 0: off")};
  }
};

/// Per-channel mean and standard deviation, in units of the pixel range (0 to 1).
struct PixelNorm {
  std::vector<double> mean, std;
};

/// Mean and standard deviation over up to `most_rows` of the given rows, evenly strided. Sums are of whole numbers, so
/// the result is the same on every machine. A channel that is constant gets std 1.
PixelNorm measure_pixels(const CropFile& crops, std::span<const std::int64_t> rows, std::size_t most_rows = 10'000);

/// Where an output pixel comes from: shifted by (dy, dx), mirrored first if `flip`.
struct Placement {
  int dy = 0, dx = 0;
  bool flip = false;
};
Placement draw_placement(const AugmentConfig& config, RandomStream& random);

/// Copies images into float batches. One per loader; safe from many threads.
class PixelWriter {
 public:
  PixelWriter(const ImageShape& shape, const PixelNorm& norm);
  /// image: shape.bytes() bytes; out: as many floats, (pixel / 255 - mean) / std; outside the image the pixel is 0.
  void write(std::span<const std::uint8_t> image, const Placement& placement, float* out) const;

 private:
  ImageShape shape_;
  std::vector<float> scale_, shift_;  // per element of an image row: out = scale * pixel + shift
};

}  // namespace pleat
