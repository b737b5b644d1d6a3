// The end of a sweep, on rank 0: finished runs, sweep.csv, best.yaml, and the text on the terminal.
#pragma once

#include <string>
#include <vector>

#include "sweep/sweep_state.h"
#include "sweep/sweep_table.h"

namespace pleat {

/// The cells that are done on all folds.
std::vector<int> complete_cells(const SweepState& state);

/// Writes the tables of each complete cell's run, as pleat train does, then sweep.csv, best.yaml and failures.json, and
/// removes the weights that sweep.keep does not keep. Prints the result, and with plan.collect the ensemble's.
/// Returns kDone or kSomeFailed.
ExitCode finish_sweep(SweepPlan& plan, SweepState& state);

}  // namespace pleat
