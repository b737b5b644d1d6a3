// pleat runs: the runs, sweeps and ensembles in a folder.
#pragma once

#include <filesystem>

namespace pleat {

/// Prints a line for each: name, kind, state, networks that are done, score, time of the last change, disk use.
/// Throws: DataError if the folder is missing.
void list_runs(const std::filesystem::path& folder);

}  // namespace pleat
