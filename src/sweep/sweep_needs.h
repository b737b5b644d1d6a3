// The disk space and memory that a sweep needs, before it starts.
#pragma once

#include <optional>

#include "run/memory_check.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// Bytes, from the sizes of the cells' networks.
struct SweepNeeds {
  double kept = 0;  // results at the end
  double peak = 0;  // on disk while the sweep runs, with checkpoints
};
SweepNeeds needs_of(const SweepPlan& plan);

/// The memory of the largest training that is left; none if every cell was trained. `all`: of those done, too.
std::optional<MemoryNeed> memory_of(const SweepPlan& plan, bool all);

/// Throws: DataError if the disk has less room than the sweep needs beside the results that its folder holds.
void check_space(const SweepPlan& plan, const SweepNeeds& needs);

}  // namespace pleat
