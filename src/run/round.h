// The first round of a run: the labels that its networks learn, and its jobs. Later rounds build on these jobs.
#pragma once

#include <vector>

#include "run/dataset.h"
#include "run/job_plan.h"

namespace pleat {

struct Round {
  std::vector<Labels> labels;    // of each target of the target plan, by crop row
  std::vector<PlannedJob> jobs;  // in the order in which they are handed out
};

}  // namespace pleat
