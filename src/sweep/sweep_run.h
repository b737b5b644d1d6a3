// A sweep from config to best.yaml.
#pragma once

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// Collective. Returns kDone or kSomeFailed, the same on every rank. Throws: on all ranks alike.
ExitCode sweep_run(const SweepRequest& request, const MpiSession& session);

}  // namespace pleat
