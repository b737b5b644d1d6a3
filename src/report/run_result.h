// A run's result, read back from its folder without its networks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "ensemble/oof_table.h"

namespace pleat {

struct RunResult {
  std::filesystem::path folder;
  std::string name;  // the folder's name
  Json summary;      // summary.json
  int round = 0;     // the one that is the result
  OofFile oof;       // of that round
};

/// Returns the run folders at a path: itself if it is a run, the cells of a sweep, or the runs that the folder holds,
/// by name. Throws: DataError if there is none.
std::vector<std::filesystem::path> runs_at(const std::filesystem::path& path);

/// The round whose ensemble is the result. Throws: DataError if the run is not finished or summary.json is damaged.
int read_result_round(const std::filesystem::path& folder);

/// Throws: DataError if the run is not finished or its files are damaged.
RunResult read_result(const std::filesystem::path& folder);

}  // namespace pleat
