// pleat train --dry-run: describes the plan of a run, its memory and its disk space.
#pragma once

#include <string>
#include <vector>

#include "run/run_setup.h"

namespace pleat {

/// Rows per class, groups, slots, jobs (marking those that the folder holds already), memory per rank (scaled from two
/// small training steps) and disk. Reads only.
std::string describe_dry_run(const Run& run, const Round& round);

/// The part on data, groups, targets and slots.
///   jobs: at least two folds of one network
std::string describe_experiment(const Run& run, const std::vector<PlannedJob>& jobs);

/// The memory of this host's ranks. `tensors`: bytes of the largest job's tensors.
std::string describe_rank_memory(const Run& run, double tensors);

}  // namespace pleat
