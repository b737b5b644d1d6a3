// Resizes images, columns and rows separately. Where the image shrinks, the filter is a triangle as wide as an output
// pixel (antialiased); where it grows, interpolation is linear. Uses no torch headers.
// Source: Pillow's and torch's `antialias=True` bilinear, without their rounding to whole gray levels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

/// The inputs of each output along one axis: `taps` inputs from first[i] on, weighted by weights[i * taps + t].
struct AxisTaps {
  int taps = 0;
  std::vector<int> first;  // 0 <= first and first + taps <= size: every tap may be read
  std::vector<float> weights;
};

/// Returns the taps of `outputs` pixels that show `extent` inputs from `begin` on, of an axis of `size` inputs. Inputs
/// outside the axis count as 0 (black). Inputs outside the extent do not count.
///   mirrored: the outputs in reverse order
AxisTaps axis_taps(int begin, int extent, int size, int outputs, bool mirrored = false);

/// Writes rows.first.size() x columns.first.size() pixels, HWC: scale[c] * value + shift[c], value in 0 to 255.
///   image: shape.bytes() bytes, HWC; scale, shift: one per channel
void resample(std::span<const std::uint8_t> image, const ImageShape& shape, const AxisTaps& rows,
              const AxisTaps& columns, std::span<const float> scale, std::span<const float> shift, float* out);

}  // namespace pleat
