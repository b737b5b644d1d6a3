// Crops that show the same photo: byte for byte, or saved, scaled or compressed once more.
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
      near;  // first < second; of each exact set its first row stands for all
};

/// Rows without a picture take no part. Near are two crops whose hashes differ in at most 4 of 64 bits and whose pixels
/// differ by at most 6 of 255 in the mean. Where thousands look alike, each is compared with a few hundred others, so
/// pairs may be missed there. `progress` is told how many rows were read; from many threads. Throws DataError for a
/// changed byte.
Duplicates find_duplicates(const CropFile& crops, int threads, const std::function<void(std::size_t)>& progress);

/// 64 bits: whether each of 8x8 parts of the gray image is brighter than the one to its right ("difference hash").
std::uint64_t picture_hash(std::span<const std::uint8_t> image, const ImageShape& shape);

}  // namespace pleat
