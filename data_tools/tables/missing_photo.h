// Finds what a table's path to a missing photo probably means: another case, backslashes, a folder too many or too few.
// Does not use OpenCV.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

/// Returns one sentence on the first missing photo that can be found: its likely path, the difference, how many missing
/// photos are found by such corrections, and what to do. Empty if none is found. Of many missing photos, the first
/// 1,000 are tried.
///   images: the folder that the paths are relative to
///   missing: paths as they stand in the table; rows: of the whole table
/// Throws: StopRequested
std::string advice_on_missing(const std::filesystem::path& images, const std::vector<std::string>& missing,
                              std::size_t rows);

}  // namespace pleat
