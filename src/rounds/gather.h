// From finished jobs to the out-of-fold tables and the ensemble: a pure function of the run folder's results.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/oof_table.h"
#include "rounds/job_plan.h"
#include "rounds/run_folder.h"

namespace pleat {

struct GatheredTarget {
  int target = 0;
  OofTable oof;
  torch::Tensor test, unlabelled;  // [n, C] float64 probabilities of the ensemble; undefined if there are no such rows
};

/// One target's table and ensemble: the mean over models of each one's out-of-fold probabilities; for other rows the
/// mean over all models of all folds. Every job of the target must be done. Throws DataError (the law of oof_table.h).
GatheredTarget gather_target(int target, const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                             const std::vector<PlannedJob>& jobs, const RunPaths& paths);

/// ensemble.json: who takes part, with which weight.
Json describe_ensemble(const RunConfig& config, const FoldPlan& plan, const std::vector<GatheredTarget>& targets,
                       const RunPaths& paths);

}  // namespace pleat
