// From finished jobs to out-of-fold tables and the ensemble: a pure function of the results in the run folder.
#pragma once

#include <torch/types.h>

#include <vector>

#include "ensemble/oof_table.h"
#include "ensemble/selection.h"
#include "rounds/fold_predictions.h"

namespace pleat {

struct GatheredTarget {
  int target = 0;
  OofTable oof;                    // its ensemble is cross-fitted
  Selection selection;             // of a derived target: only its in-sample table
  torch::Tensor test, unlabelled;  // [n, C] float64 probabilities of the ensemble; undefined without such rows
  torch::Tensor test_normal, unlabelled_normal;  // [n, 2] mean and deviation; undefined unless trained as a number
  // The mean over each model's folds, in the order of oof.models; of numbers their mixture.
  std::vector<torch::Tensor> model_test, model_unlabelled, model_test_normal, model_unlabelled_normal;
  std::vector<std::vector<torch::Tensor>> fold_test;  // [model][fold]: one fold's prediction alone
  std::vector<torch::Tensor> fold_ensemble;           // of test rows, by one fold's models, blended
};

/// The tables of a unit's targets, without ensembles. Rows outside the folds: each model's mean over its folds.
/// Requires: every job of the unit in this round is done. Throws: DataError, as gather_model.
std::vector<GatheredTarget> gather_candidates(int unit, const FoldPlan& plan, const RoundSource& source);

/// The part of a config that decides how candidates become an ensemble.
struct EnsembleRule {
  std::string method, score;  // as in SelectionRequest
};

/// Chooses the target's ensemble (select_blend) and blends all its tables. A table that a model of the ensemble lacks
/// stays undefined.
void choose_ensemble(const EnsembleRule& rule, const FoldPlan& plan, const Dataset& dataset, GatheredTarget& gathered);

/// gather_candidates, with the ensembles chosen by the source's config.
std::vector<GatheredTarget> gather_unit(int unit, const FoldPlan& plan, const RoundSource& source);

/// Adds the derived targets (the joint target, or with targets_as: joint its components), for each model and the
/// ensemble, and sorts all in the order of the target plan. A derived target is left out if one of its sources is
/// missing.
void add_derived(const Dataset& dataset, std::vector<GatheredTarget>& targets);

}  // namespace pleat
