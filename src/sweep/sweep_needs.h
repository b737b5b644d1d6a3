// The disk space and memory that a sweep needs, before it starts.
#pragma once

#include "sweep/sweep_plan.h"

namespace pleat {

/// Bytes, from the sizes of the cells' networks.
struct SweepNeeds {
  double kept = 0;    // results at the end
  double peak = 0;    // on disk while the sweep runs, with checkpoints
  double memory = 0;  // of tensors, of the largest training; 0: not measured
};

/// `memory`: measure it, too.
SweepNeeds needs_of(const SweepPlan& plan, bool memory);

/// Throws: DataError if the disk has less room than the sweep needs beside the results that its folder holds.
void check_space(const SweepPlan& plan, const SweepNeeds& needs);

}  // namespace pleat
