// pleat compare: which of several runs is better, and whether the difference is more than chance.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

struct CompareRequest {
  std::vector<std::filesystem::path> paths;  // of runs, sweeps and folders of runs
  std::string score;                         // empty: the runs' own
  int resamples = 10'000;
  bool all_pairs = false;      // differences of every pair, with classes and folds
  std::filesystem::path html;  // page; may be empty
  std::filesystem::path json;  // file for all differences; may be empty
};

/// Prints a leaderboard for each target and experiment, with each run's difference from the best one. Runs that cannot
/// be compared are listed with the reason.
/// Throws: DataError if fewer than two finished runs are found, or if a run that is named itself cannot be read.
void compare_runs(const CompareRequest& request);

}  // namespace pleat
