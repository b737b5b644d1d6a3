// The end of a round, on rank 0: out-of-fold tables, ensemble, predictions, summary, and the table on the terminal.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rounds/summary.h"
#include "run/run_cost.h"
#include "run/run_setup.h"

namespace pleat {

/// The outcome of a round's jobs, on rank 0.
struct Outcome {
  std::vector<std::pair<int, std::string>> failures;  // job and reason
  int done_before = 0;
  RunCost before, now;  // of the run's earlier starts, and of this one
};

/// Writes failures.json (if any job failed), oof.h5, ensemble.json, predictions.csv and summary.json, and prints the
/// scores. A target with a failed job is left out. Removes files of an earlier success that no longer hold.
///   totals: of this start alone; the summary's figures cover all starts
/// Returns kDone or kSomeFailed.
ExitCode finish_round(const Run& run, const Round& round, const Outcome& outcome, const RunTotals& totals);

}  // namespace pleat
