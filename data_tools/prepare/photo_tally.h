// Counts formats, sizes, missed faces and peculiarities of the photos. Counts are sums over rows, so they do not depend
// on the number of ranks and threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"  // Json
#include "base/ranks.h"
#include "data_tools/prepare/crop_maker.h"

namespace pleat {

struct PhotoTally {
  using Kind = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::string>;  // pixels, width, height, format
  std::map<Kind, std::size_t> photos;                                              // by size, small ones first
  std::size_t faces_missed = 0, with_junk = 0, dim = 0;
  static constexpr auto members() {
    return std::tuple{&PhotoTally::photos, &PhotoTally::faces_missed, &PhotoTally::with_junk, &PhotoTally::dim};
  }

  void add(const CropFacts& facts);
  std::size_t count() const;
  /// The number of photos with a side shorter than the crop's, which were enlarged.
  std::size_t smaller_than(int height, int width) const;
};

/// Returns the sum over all ranks. Collective: every rank calls it.
PhotoTally gather_tally(const PhotoTally& mine, const Ranks& ranks);

/// `photos` of crops.report.json; see docs/formats.md.
///   options: of the crops made from the photos
Json describe_photos(const PhotoTally& tally, const CropOptions& options);

/// Returns the warnings about the photos, one line each.
///   may_change: whether the reader can choose the options of the crops
std::vector<std::string> photo_warnings(const PhotoTally& tally, const CropOptions& options, bool may_change);

}  // namespace pleat
