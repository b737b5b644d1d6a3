// Images at another size, by a triangle filter as wide as an output pixel where the image shrinks (antialiased) and
// linear where it grows; columns and rows apart. Free of torch headers.
// Source: Pillow's and torch's `antialias=True` bilinear, without their rounding to whole grey levels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

/// What each output of one axis is made of: `taps` inputs from first[i] on, weighted by weights[i * taps + t].
struct AxisTaps {
  int taps = 0;
  std::vector<int> first;  // 0 <= first and first + taps <= size: every tap may be read
  std::vector<float> weights;
};

/// `outputs` pixels that show the `extent` inputs from `begin` on, of an axis of `size` inputs. Inputs outside of the
/// axis count as 0 (black), those outside of the extent not at all. mirrored: the outputs in reverse order.
AxisTaps axis_taps(int begin, int extent, int size, int outputs, bool mirrored = false);

/// Writes rows.first.size() x columns.first.size() pixels, HWC: scale[c] * value + shift[c], value in 0 to 255.
///   image: shape.bytes() bytes, HWC; scale, shift: one per channel
void resample(std::span<const std::uint8_t> image, const ImageShape& shape, const AxisTaps& rows,
              const AxisTaps& columns, std::span<const float> scale, std::span<const float> shift, float* out);

}  // namespace pleat
