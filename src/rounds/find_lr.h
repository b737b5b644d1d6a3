// pleat train --find-lr: what learning rate each network of a run would do well with.
#pragma once

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "rounds/round.h"

namespace pleat {

/// Tries a rising rate on the first fold of each network, prints the curves with a suggestion, and writes them to
/// find_lr/<unit>.<model>.csv in the run folder. Nothing else of the run is begun. Throws what setting up a run
/// throws, and UsageError on more than one rank.
ExitCode find_lr_run(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
