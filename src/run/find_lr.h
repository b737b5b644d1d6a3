// pleat train --find-lr: suggests a learning rate for each network of a run.
#pragma once

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "run/train_request.h"

namespace pleat {

/// Tries a rising rate on the first fold of each network, prints the curves with a suggestion, and writes them to
/// find_lr/<unit>.<model>.csv in the run folder. Does not start the run.
/// Throws: as set_up_run; UsageError on more than one rank.
ExitCode find_lr_run(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
