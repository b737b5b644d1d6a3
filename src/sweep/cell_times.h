// Times of a sweep's trainings, from their done.json.
#pragma once

#include <vector>

#include "sweep/sweep_plan.h"

namespace pleat {

/// Of one cell.
struct CellTime {
  double seconds = 0;                    // of all its trainings, predictions included
  double full_seconds = 0;               // of those with the full schedule
  double train_seconds = 0, images = 0;  // of the latter: training alone, and the images trained on
  int full_jobs = 0;
};

/// By cell. A time that done.json does not have counts as 0.
std::vector<CellTime> times_of(const SweepPlan& plan);

}  // namespace pleat
