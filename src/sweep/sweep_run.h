// A sweep from config to best.yaml.
#pragma once

#include "cluster/mpi_session.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// Collective. The exit code is kDone or kSomeFailed. Throws: on all ranks alike.
RunEnd sweep_run(const SweepRequest& request, const MpiSession& session);

}  // namespace pleat
