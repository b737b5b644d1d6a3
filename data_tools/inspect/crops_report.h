// The report on a finished crops file, for pleat prepare and pleat prepare --verify.
#pragma once

#include <filesystem>

#include "data_tools/prepare/make_crops.h"

namespace pleat {

/// Logs the classes and writes files beside the crops file (side_file): report.json with classes and groups per split,
/// formats and sizes of the photos, and duplicates; if there are duplicates, duplicates.csv with all of them and
/// duplicates.png with some. Warns of findings that spoil a validation.
///   threads: for the search for duplicates
void report_crops(const std::filesystem::path& path, const MadeCrops& made, const CropOptions& crop, int threads);

/// Throws: DataError if one of these files would overwrite a foreign file. Call it before the work.
void require_replaceable_report(const std::filesystem::path& crops);

/// pleat prepare --verify: prints the report and the file's attributes on standard output; writes nothing.
/// Throws: DataError for rows with a wrong checksum.
void verify_crops(const std::filesystem::path& path, int threads);

}  // namespace pleat
