// Finds crops of the same photo: equal byte for byte, or saved, scaled or compressed again. Uses no torch headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

/// Rows that show the same photo, two or more, ascending.
using Copies = std::vector<std::size_t>;

struct Duplicates {
  std::vector<Copies> exact;  // equal pixels
  std::vector<Copies> near;   // nearly equal; the first row of an exact set represents the set
};

/// Searches some rows of a crops file. Rows without a picture are ignored. Two crops are near if their hashes differ in
/// at most 4 of 64 bits and their pixels by at most 6 of 255 in the mean. Near crops of one crop are one set. If
/// thousands look alike, each is compared with a few hundred others only, so copies may be missed.
///   rows: ascending; progress: called with the rows done, up to rows.size(); from many threads; may throw to stop the
///   search
/// Throws: DataError for a changed byte, and what `progress` throws.
Duplicates find_duplicates(const CropFile& crops, const std::vector<std::size_t>& rows, int threads,
                           const std::function<void(std::size_t)>& progress);

/// Duplicates::exact alone. Compares the checksums in the file, so it reads only the pixels of rows that share one.
std::vector<Copies> find_exact_duplicates(const CropFile& crops, const std::vector<std::size_t>& rows);

/// The rows with a picture, ascending.
std::vector<std::size_t> valid_rows(const CropFile& crops);

/// Duplicates::near with the exact copies of each row. Each row is in at most one set. Sets of exact copies alone are
/// not among them.
std::vector<Copies> near_sets(const Duplicates& duplicates);

/// All sets: the near ones, and the exact ones that are no part of those; by first row.
std::vector<Copies> all_sets(const Duplicates& duplicates);

/// Mean difference of the pixels' values, 0 to 255.
double mean_difference(const CropFile& crops, std::size_t one, std::size_t other);

/// Returns a "difference hash" of 64 bits: whether each of 8x8 parts of the gray image is brighter than the part to its
/// right.
std::uint64_t picture_hash(std::span<const std::uint8_t> image, const ImageShape& shape);

}  // namespace pleat
