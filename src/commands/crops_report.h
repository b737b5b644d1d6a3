// What pleat prepare says about a crops file once it is there.
#pragma once

#include <filesystem>

#include "data_tools/make_crops.h"

namespace pleat {

/// After it was made: classes, and in data_report.json beside it classes and groups per split, what the photos were,
/// and those that are there twice; what of that a reader must not miss is a warning.
void report_crops(const std::filesystem::path& path, const MadeCrops& made, const CropOptions& crop);

/// Throws DataError if the report would replace another file: better before the work than after it.
void require_replaceable_report(const std::filesystem::path& crops);

/// pleat prepare --verify: prints the same and more on standard output, and writes nothing. Throws DataError for rows
/// whose bytes were changed.
void verify_crops(const std::filesystem::path& path);

}  // namespace pleat
