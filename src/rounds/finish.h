// The end of a run, on rank 0: out-of-fold tables, ensembles, predictions, summary, and the table on the terminal.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rounds/rounds_plan.h"
#include "rounds/summary.h"
#include "run/run_cost.h"

namespace pleat {

/// The outcome of a run's jobs, on rank 0. Jobs are indices in the schedule.
struct Outcome {
  std::vector<std::pair<int, std::string>> failures;  // job and reason
  std::set<int> done_before;
  int rounds = 1;       // rounds that were trained; fewer than rounds.count if one was not better
  RunCost before, now;  // of the run's earlier starts, and of this one
};

/// Writes failures.json (if any job failed), each round's oof.h5, ensemble.json and pseudo_labels.csv, predictions.csv
/// and summary.json. The result is the last round that is better than the one before, with
/// rounds.stop: never the last one; a round with failed jobs ends the rounds. A target with a failed job in the first
/// round is left out. Removes files of an earlier success that no longer hold.
///   totals: of this start alone; the summary's figures cover all starts
/// Returns the scores as a table for the terminal.
std::string finish_run(const Run& run, const RoundsPlan& plan, const Outcome& outcome, const RunTotals& totals);

}  // namespace pleat
