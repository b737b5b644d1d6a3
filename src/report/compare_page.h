// A comparison of runs as a page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/leaderboard.h"
#include "report/page.h"

namespace pleat {

/// A section for each experiment with several runs.
///   names: of the runs; apart: runs that are not compared, with the reason
Page compare_page(const std::vector<Experiment>& experiments, const std::vector<RunResult>& runs,
                  const std::vector<std::string>& names, const std::vector<std::pair<std::string, std::string>>& apart);

}  // namespace pleat
