// Runs that can be compared, by score, with their differences.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ensemble/comparison.h"
#include "report/run_result.h"

namespace pleat {

/// A run's scores of one target. Higher is better: log-loss is negated.
struct BoardEntry {
  std::size_t run = 0;  // index in the given runs
  double oof = 0;       // cross-fitted
  double spread = 0;    // standard deviation over the folds
  std::optional<double> test;
};

/// The runs of one target, best first.
struct Board {
  std::string target, score;
  std::vector<std::string> classes;
  std::vector<BoardEntry> entries;
  /// By places (first, second) with first < second in `entries`: the second run less the first.
  std::map<std::pair<std::size_t, std::size_t>, Comparison> pairs;
};

/// Runs with the same rows, groups, folds and labels.
struct Experiment {
  std::vector<std::size_t> runs;  // indices in the given runs, in their order
  std::vector<Board> boards;      // by target
};

struct BoardRequest {
  std::string score;  // empty: the first run's
  int resamples = 10'000;
  bool all_pairs = false;  // else only with the best run
};

/// The first thing in which two runs differ so that they cannot be compared: "other rows". Empty if they can.
std::string incomparable(const OofFile& a, const OofFile& b);

/// Divides the runs into experiments, and compares the runs of each.
/// Throws: UsageError for an unknown score.
std::vector<Experiment> make_boards(const std::vector<RunResult>& runs, const BoardRequest& request);

}  // namespace pleat
