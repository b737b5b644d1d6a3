// A run from config to scores.
#pragma once

#include "cluster/mpi_session.h"
#include "run/train_request.h"

namespace pleat {

/// Collective. The exit code is kDone or kSomeFailed. Throws: on all ranks alike.
RunEnd train_run(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
