// pleat sweep --dry-run: describes the cells of a sweep, its trainings, time, memory and disk space.
#pragma once

#include <string>

#include "sweep/sweep_plan.h"

namespace pleat {

/// Measures a few training steps of the cells for the time. Writes nothing.
std::string describe_sweep(const SweepPlan& plan);

}  // namespace pleat
