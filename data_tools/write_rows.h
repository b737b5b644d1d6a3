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

/// Every rank must call it, with the same arguments. Throws on every rank alike, leaving no output.
MadeCrops write_rows(const SampleTable& table, const ImageShape& shape, const Provenance& provenance,
                     const FillRow& fill, const MakeCropsOptions& options, const Ranks& ranks);

/// "line 7" where the table knows it, else "row 5".
std::string place_in(const SampleTable& table, std::size_t row);

}  // namespace pleat
