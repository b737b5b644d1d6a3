// Writes crops into float batches, at the size of the batch's images. Input pixels are uint8 HWC. Output pixels are
// normalised float32 HWC, ready for a channels_last batch, so that each pixel is touched once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/crop_file.h"

namespace pleat {

/// One per loader. Thread-safe.
class PixelWriter {
 public:
  ///   source: shape of the crops
  ///   output: shape of the batch's images, with as many channels
  PixelWriter(const ImageShape& source, const ImageShape& output, const PixelNorm& norm);
  /// Writes the visible part. A box of the output's size is copied, any other is resampled. Pixels outside the image
  /// are 0.
  ///   image: source.bytes() bytes
  ///   out: output.bytes() floats, (pixel / 255 - mean) / std
  void write(std::span<const std::uint8_t> image, const Placement& placement, float* out) const;

 private:
  void copy(std::span<const std::uint8_t> image, const Placement& placement, float* out) const;

  ImageShape source_, output_;
  std::vector<float> scale_, shift_;  // per element of an output row: out = scale * pixel + shift
};

}  // namespace pleat
