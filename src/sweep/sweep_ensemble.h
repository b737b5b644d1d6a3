// sweep --collect: the final ensemble over all complete cells, and its gain over the best one.
#pragma once

#include <optional>
#include <vector>

#include "sweep/honest_choice.h"
#include "sweep/sweep_state.h"

namespace pleat {

/// Throws: DataError if the sweep's folder `ensemble` holds anything but an earlier ensemble.
void check_ensemble_folder(const SweepPlan& plan);

/// True if an earlier start has made the ensemble of these cells, and nothing has been trained since.
bool ensemble_is_current(const SweepPlan& plan, const SweepState& state, const std::vector<int>& complete);

/// Writes the sweep's folder `ensemble`, unless it is current, with pleat ensemble's greedy
/// method. Prints the ensemble's cross-fitted score
/// less the honest score of the best cell, if that one is measured on all folds, and both scores on held-out test rows.
///   complete: cells that are done on all folds, with their weights and finished runs
/// Throws: as merge_runs.
void collect_ensemble(const SweepPlan& plan, SweepState& state, const std::vector<int>& complete,
                      const std::optional<HonestScore>& honest);

}  // namespace pleat
