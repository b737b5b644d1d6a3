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
  // [n, 2] mean and standard deviation of a number; undefined unless it was taught as one.
  torch::Tensor test_normal, unlabelled_normal;
  std::vector<torch::Tensor> model_test;  // of each model's folds alone, in the order of oof.models
  std::vector<std::vector<torch::Tensor>>
      fold_test;  // [model][fold] of one fold's network (of a derived target, networks)
};

/// The tables and ensembles of the targets that a unit's networks were trained for: the mean over models of each one's
/// out-of-fold probabilities; for other rows the mean over all models of all folds. Every job of the unit must be done.
/// Throws DataError (the law of oof_table.h).
std::vector<GatheredTarget> gather_unit(int unit, const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                                        const std::vector<PlannedJob>& jobs, const RunPaths& paths);

/// Adds those that are derived from what is there (the joint target, or with targets_as: joint its parts), model by
/// model and for the ensemble, and puts all in the order of the targets. What lacks a part is left out.
void add_derived(const Dataset& dataset, std::vector<GatheredTarget>& targets);

/// ensemble.json: who takes part, with which weight, or of what a target is derived.
Json describe_ensemble(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                       const std::vector<GatheredTarget>& targets, const RunPaths& paths);

}  // namespace pleat
