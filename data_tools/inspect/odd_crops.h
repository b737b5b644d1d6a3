// Crops that differ from the others as pictures: nearly black, nearly white, blank, blurred or noisy.
#pragma once

#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

struct OddCrop {
  std::size_t row = 0;
  double distance = 0;  // from the median, in deviations
  std::string reason;   // "very dark: brightness 3, median 118"
};

/// Compares brightness, contrast and detail (mean difference of neighbouring pixels) of the crops. A crop is odd if one
/// of them is further than `most` robust deviations (1.48 times the median absolute deviation) from the median. The
/// oddest first.
///   rows: with a picture. Fewer than 20 rows have no odd ones.
/// Throws: DataError for a changed byte.
std::vector<OddCrop> find_odd_crops(const CropFile& crops, const std::vector<std::size_t>& rows, double most = 5);

}  // namespace pleat
