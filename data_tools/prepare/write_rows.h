// Writes rows to crops.h5. Ranks and threads share the rows. The file is published complete or not at all. The caller
// (make_crops.cpp) supplies the pixels.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data_tools/prepare/make_crops.h"

namespace pleat {

/// Fills a row's pixels or throws BadPhoto; called from many threads.
using FillRow = std::function<void(std::size_t row, std::span<std::uint8_t> pixels)>;

/// Returns one sentence on rejected photos, for a list of them; empty if there is nothing to say.
using Advise = std::function<std::string(const std::vector<RejectedPhoto>& rejected)>;

/// Collective: every rank calls it with the same arguments. The error names a rank whose table or program differs, or
/// that does not see the folder of `out`.
/// Requires: one call at a time per `out`.
/// Throws: on every rank, leaving no output.
MadeCrops write_rows(
    const SampleTable& table, const ImageShape& shape, const Provenance& provenance, const FillRow& fill,
    const MakeCropsOptions& options, const Ranks& ranks,
    const Advise& advise = [](const std::vector<RejectedPhoto>&) { return std::string(); });

}  // namespace pleat
