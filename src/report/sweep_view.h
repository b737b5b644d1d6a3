// The section on a sweep: the map of its cells, and why cells were dropped.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "sweep/sweep_paths.h"

namespace pleat {

struct SweepSource {
  std::filesystem::path folder;
  std::string best;  // the best cell's name; empty if no cell is complete

  std::filesystem::path best_run() const { return SweepPaths{folder}.trial(best).root; }
};

/// None if the folder is not a sweep's. Throws: DataError if sweep.csv is damaged.
std::optional<SweepSource> find_sweep(const std::filesystem::path& folder);

/// Reads sweep.csv. Throws: DataError if it is damaged.
Json sweep_view(const SweepSource& sweep);

}  // namespace pleat
