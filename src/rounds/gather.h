// From finished jobs to out-of-fold tables and the ensemble: a pure function of the results in the run folder.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/oof_table.h"
#include "run/round.h"
#include "run/run_paths.h"

namespace pleat {

struct GatheredTarget {
  int target = 0;
  OofTable oof;
  torch::Tensor test, unlabelled;  // [n, C] float64 probabilities of the ensemble; undefined without such rows
  torch::Tensor test_normal, unlabelled_normal;       // [n, 2] mean and deviation; undefined unless trained as a number
  std::vector<torch::Tensor> model_test;              // mean over each model's folds, in the order of oof.models
  std::vector<std::vector<torch::Tensor>> fold_test;  // [model][fold]: one fold's prediction alone
};

/// The tables and ensembles of a unit's targets. Train rows: the mean over models of their out-of-fold probabilities.
/// Other rows: the mean over all models and folds.
/// Requires: every job of the unit is done. Throws: DataError, as gather_model.
std::vector<GatheredTarget> gather_unit(int unit, const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                                        const Round& round, const RunPaths& paths);

/// Adds the derived targets (the joint target, or with targets_as: joint its components), for each model and the
/// ensemble, and sorts all in the order of the target plan. A derived target is left out if one of its sources is
/// missing.
void add_derived(const Dataset& dataset, std::vector<GatheredTarget>& targets);

/// ensemble.json: each target's members and weights, or the targets that it is derived from.
Json describe_ensemble(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                       const std::vector<GatheredTarget>& targets, const RunPaths& paths, int round);

}  // namespace pleat
