// A run from config to scores.
#pragma once

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "run/train_request.h"

namespace pleat {

/// Collective. Returns kDone or kSomeFailed, the same on every rank. Throws: on all ranks alike.
ExitCode train_run(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
