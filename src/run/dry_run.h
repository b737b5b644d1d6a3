// pleat train --dry-run: describes the plan of a run, its memory and its disk space.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/memory_check.h"
#include "run/run_setup.h"

namespace pleat {

struct DryRun {
  std::string text;
  std::optional<MemoryNeed> need;  // of the largest job that is not done
};

/// Rows per class, groups, slots, jobs (marking those that the folder holds already), memory per rank (scaled from two
/// small training steps) and disk. Reads only.
///   trunks: the line on them, or empty
DryRun describe_dry_run(const Run& run, const Round& round, const std::vector<PlannedJob>& judges,
                        const std::string& trunks);

/// The part on data, groups, targets and slots.
///   jobs: at least two folds of one network
std::string describe_experiment(const Run& run, const std::vector<PlannedJob>& jobs);

/// The memory of this host's ranks. `tensors`: bytes of the largest job's tensors.
std::string describe_rank_memory(const Run& run, double tensors);

}  // namespace pleat
