// Makes a crops file from photos or IDX files, with progress and all cores of this rank. For pleat prepare and predict.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/ranks.h"
#include "data_tools/prepare/make_crops.h"
#include "data_tools/tables/photo_walk.h"

namespace CLI {
class App;
}

namespace pleat {

/// Adds --max-pixels. `max_pixels` stays 0 if the flag is not given.
void add_max_pixels(CLI::App& verb, std::int64_t& max_pixels);

/// Reads `table` and calls make_photo_crops. Sets threads, progress and protected input files in `how`.
/// Collective: every rank calls it.
MadeCrops crops_of_table(const std::filesystem::path& table, const std::filesystem::path& images,
                         const CropOptions& crop, MakeCropsOptions how, const Ranks& ranks);

/// The same for all photos in the folder and below it, without a table. Rank 0 logs the files that are left out.
MadeCrops crops_of_folder(const std::filesystem::path& images, const CropOptions& crop, MakeCropsOptions how,
                          const Ranks& ranks);

/// Logs the files that a walk left out: pictures as warnings.
void tell_left_out(const LeftOut& left_out);

/// Returns the command that makes small square crops of a table's photos, ready to paste into a shell.
///   images: base of the table's paths
std::string prepare_command(const std::filesystem::path& table, const std::filesystem::path& images);

/// Calls make_idx_crops. Sets threads and protected input files in `how`.
/// Collective: every rank calls it.
MadeCrops crops_of_idx(const IdxFiles& files, MakeCropsOptions how, const Ranks& ranks);

}  // namespace pleat
