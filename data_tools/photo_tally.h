// What the photos were that crops were made of: formats, sizes, faces. Sums over rows, so the same for any number of
// ranks and threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"  // Json
#include "base/ranks.h"
#include "data_tools/crop_maker.h"

namespace pleat {

struct PhotoTally {
  using Kind = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::string>;  // pixels, width, height, format
  std::map<Kind, std::size_t> photos;                                              // by size, small ones first
  std::size_t faces_missed = 0;

  void add(const CropFacts& facts);
  std::size_t count() const;
  /// Those with a side that is shorter than the crop's: they were enlarged.
  std::size_t smaller_than(int height, int width) const;
};

/// The sum over all ranks, each of which must call it.
PhotoTally gather_tally(const PhotoTally& mine, const Ranks& ranks);

/// `photos` of data_report.json; see docs/formats.md.
///   options: what was made of them
Json describe_photos(const PhotoTally& tally, const CropOptions& options);

/// What of it a reader must not miss, one line each.
///   may_change: whether whoever reads it chooses how crops are made
std::vector<std::string> photo_warnings(const PhotoTally& tally, const CropOptions& options, bool may_change);

}  // namespace pleat
