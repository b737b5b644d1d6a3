// How rows become crops.h5: shared out over ranks and threads, published whole or not at all. Where the pixels come
// from is the caller's: make_crops.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "data_tools/make_crops.h"

namespace pleat {

/// Fills a row's pixels or throws BadPhoto; called from many threads.
using FillRow = std::function<void(std::size_t row, std::span<std::uint8_t> pixels)>;

/// Every rank must call it, with the same arguments: a rank whose table or program differs, or that does not see the
/// folder of `out`, is named in the error. One call at a time per `out`. Throws on every rank alike, leaving no output.
MadeCrops write_rows(const SampleTable& table, const ImageShape& shape, const Provenance& provenance,
                     const FillRow& fill, const MakeCropsOptions& options, const Ranks& ranks);

}  // namespace pleat
