// Photos or IDX files to a crops file, with progress and all cores of this rank: for pleat prepare and pleat predict.
#pragma once

#include <filesystem>

#include "base/ranks.h"
#include "data_tools/make_crops.h"

namespace pleat {

/// As make_photo_crops of a table that is read here; threads, progress and what must not be replaced are filled in.
MadeCrops crops_of_table(const std::filesystem::path& table, const std::filesystem::path& images,
                         const CropOptions& crop, MakeCropsOptions how, const Ranks& ranks);

/// As make_idx_crops.
MadeCrops crops_of_idx(const IdxFiles& files, MakeCropsOptions how, const Ranks& ranks);

}  // namespace pleat
