// The end of a run, on rank 0: out-of-fold tables, ensemble, predictions, summary, and the table for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rounds/run_setup.h"
#include "rounds/summary.h"

namespace pleat {

/// What rank 0 remembers of the jobs.
struct Outcome {
  std::vector<std::pair<int, std::string>> failures;  // job and why
  int done_before = 0;
  double images_per_second = 0;
};

/// Writes failures.json (if any), oof.h5, ensemble.json, predictions.csv and summary.json, and prints the scores. A
/// target with a failed job is left out. Returns kDone or kSomeFailed.
ExitCode finish_run(const Run& run, const Outcome& outcome, const RunFacts& facts);

}  // namespace pleat
