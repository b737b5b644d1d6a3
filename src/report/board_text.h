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

/// Format: docs/compare.md.
Json board_json(const Experiment& experiment, const std::vector<RunResult>& runs,
                const std::vector<std::string>& names);

}  // namespace pleat
