// Makes a crops file from photos or IDX files, with progress and all cores of this rank. For pleat prepare and predict.
#pragma once

#include <filesystem>

#include "base/ranks.h"
#include "data_tools/prepare/make_crops.h"

namespace pleat {

/// Reads `table` and calls make_photo_crops. Sets threads, progress and protected input files in `how`.
/// Collective: every rank calls it.
MadeCrops crops_of_table(const std::filesystem::path& table, const std::filesystem::path& images,
                         const CropOptions& crop, MakeCropsOptions how, const Ranks& ranks);

/// Calls make_idx_crops. Sets threads and protected input files in `how`.
/// Collective: every rank calls it.
MadeCrops crops_of_idx(const IdxFiles& files, MakeCropsOptions how, const Ranks& ranks);

}  // namespace pleat
