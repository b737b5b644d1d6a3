// Leaderboards as text and as JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "report/leaderboard.h"

namespace pleat {

struct BoardTextOptions {
  int number = 0;      // of the experiment, from 1; 0: it is the only one
  bool pairs = false;  // every pair with its classes and folds
};

/// The tables of an experiment, for a terminal.
///   names: of the runs
std::string board_text(const Experiment& experiment, const std::vector<RunResult>& runs,
                       const std::vector<std::string>& names, const BoardTextOptions& options);

/// "3 runs on the same 1,400 rows of 200 groups, 2 folds".
std::string experiment_text(const Experiment& experiment, const std::vector<RunResult>& runs);

/// "-0.0130 [-0.0497, +0.0247]".
std::string difference_text(const Interval& interval);

/// "no evidence; about 120 more groups would tell".
std::string verdict_text(const Comparison& pair, const FoldPlan& plan);

/// A line per run with the config values in which it differs from another one; empty if there are none.
std::string differences_text(const Experiment& experiment, const std::vector<RunResult>& runs,
                             const std::vector<std::string>& names);

/// Format: docs/compare.md.
Json board_json(const Experiment& experiment, const std::vector<RunResult>& runs,
                const std::vector<std::string>& names);

}  // namespace pleat
