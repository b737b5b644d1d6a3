// Photos at the size of a crop: area averages where a side shrinks, linear interpolation where it grows, each side by
// its own rule. In whole numbers throughout, so that every machine gives the same bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_tools/picture.h"

namespace pleat {

/// The part of one axis that is shown, in inputs: fractions count.
struct AxisPart {
  double begin = 0, extent = 0;
  bool mirrored = false;  // outputs in reverse order
};

/// What each output of one axis is made of: `taps` inputs from first[i] on, in 65,536ths that sum to one.
struct AreaTaps {
  int taps = 0;
  std::vector<int> first;  // 0 <= first and first + taps <= size
  std::vector<std::uint32_t> weights;
};

/// `outputs` pixels of the part of an axis of `size` inputs.
AreaTaps area_taps(const AxisPart& part, int size, int outputs);

/// rows.first.size() x columns.first.size() pixels of a gray or RGB picture.
Picture area_resize(const Picture& picture, const AreaTaps& rows, const AreaTaps& columns);

}  // namespace pleat
