// Runs the jobs of a sweep on all slots, and keeps their results on rank 0.
#pragma once

#include <optional>
#include <vector>

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "sweep/sweep_state.h"

namespace pleat {

/// Collective. Runs the jobs that the race wants, until it is over.
///   state: on rank 0; null on the others
/// Returns, on rank 0, the error that ended the sweep early.
std::optional<Error> run_race(SweepPlan& plan, const MpiSession& session, SweepState* state);

/// Collective. Trains those jobs again whose weights are wanted but were not kept. No-op if there are none.
///   cells: on rank 0, those whose weights are wanted
/// Returns: as run_race.
std::optional<Error> restore_weights(SweepPlan& plan, const MpiSession& session, const std::vector<int>& cells,
                                     SweepState* state);

}  // namespace pleat
