// pleat sweep --dry-run: describes the cells of a sweep, its trainings, time, memory and disk space.
#pragma once

#include <string>

#include "run/memory_check.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// Measures a few training steps of the cells for the time. Writes nothing.
///   memory: of the largest cell, which the machine can hold
std::string describe_sweep(const SweepPlan& plan, const MemoryNeed& memory);

}  // namespace pleat
