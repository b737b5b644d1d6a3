// Crops into float batches, at a batch's size: source pixels are uint8 HWC; what comes out is normalised float32 HWC,
// ready for a channels_last batch, so that a pixel is touched once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"

namespace pleat {

/// One per loader; safe from many threads.
class PixelWriter {
 public:
  /// source: of the crops; output: of the batch's images, with as many channels.
  PixelWriter(const ImageShape& source, const ImageShape& output, const PixelNorm& norm);
  /// image: source.bytes() bytes; out: output.bytes() floats, (pixel / 255 - mean) / std. A box of the output's size is
  /// copied as it is, any other resampled; outside of the image the pixel is 0.
  void write(std::span<const std::uint8_t> image, const Placement& placement, float* out) const;

 private:
  void copy(std::span<const std::uint8_t> image, const Placement& placement, float* out) const;

  ImageShape source_, output_;
  std::vector<float> scale_, shift_;  // per element of an output row: out = scale * pixel + shift
};

}  // namespace pleat
