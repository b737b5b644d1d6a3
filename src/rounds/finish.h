// The end of a run, on rank 0: out-of-fold tables, ensemble, predictions, summary, and the table for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rounds/run_cost.h"
#include "rounds/run_setup.h"
#include "rounds/summary.h"

namespace pleat {

/// What rank 0 remembers of the jobs.
struct Outcome {
  std::vector<std::pair<int, std::string>> failures;  // job and why
  int done_before = 0;
  RunCost before, now;  // of the times this run was started earlier, and of this one
};

/// Writes failures.json (if any), oof.h5, ensemble.json, predictions.csv and summary.json, and prints the scores. A
/// target with a failed job is left out; what an earlier success had written of what is not there any more is removed.
/// `facts` are of this start alone; the summary's figures are of all starts. Returns kDone or kSomeFailed.
ExitCode finish_run(const Run& run, const Outcome& outcome, const RunFacts& facts);

}  // namespace pleat
