// Resizes photos to crops. Each side is handled separately: averaged over areas where it shrinks, interpolated linearly
// where it grows. Integer arithmetic gives the same bytes on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_tools/photos/picture.h"

namespace pleat {

/// The visible part of one axis, in inputs; may be fractional.
struct AxisPart {
  double begin = 0, extent = 0;
  bool mirrored = false;  // outputs in reverse order
};

/// The inputs of each output along one axis: `taps` inputs from first[i] on. Weights are in 65,536ths and sum to one.
struct AreaTaps {
  int taps = 0;
  std::vector<int> first;  // 0 <= first and first + taps <= size
  std::vector<std::uint32_t> weights;
};

/// Returns the taps of `outputs` pixels that show `part` of an axis of `size` inputs.
AreaTaps area_taps(const AxisPart& part, int size, int outputs);

/// Returns rows.first.size() x columns.first.size() pixels of a gray or RGB picture.
Picture area_resize(const Picture& picture, const AreaTaps& rows, const AreaTaps& columns);

}  // namespace pleat
