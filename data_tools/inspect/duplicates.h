// Finds crops of the same photo: equal byte for byte, or saved, scaled or compressed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

struct Duplicates {
  std::vector<std::vector<std::size_t>> exact;  // sets of rows with equal pixels, two or more in each
  std::vector<std::pair<std::size_t, std::size_t>>
      near;  // first < second; the first row of an exact set represents the set
};

/// Rows without a picture are ignored. Two crops are near if their hashes differ in at most 4 of 64 bits and their
/// pixels by at most 6 of 255 in the mean. If thousands look alike, each is compared with a few hundred others only, so
/// pairs may be missed.
///   progress: called with the number of rows read; from many threads
/// Throws: DataError for a changed byte.
Duplicates find_duplicates(const CropFile& crops, int threads, const std::function<void(std::size_t)>& progress);

/// Returns a "difference hash" of 64 bits: whether each of 8x8 parts of the gray image is brighter than the part to its
/// right.
std::uint64_t picture_hash(std::span<const std::uint8_t> image, const ImageShape& shape);

}  // namespace pleat
