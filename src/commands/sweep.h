// pleat sweep: trains the cells of a grid of config values and names the best.
#pragma once

#include "cluster/mpi_session.h"
#include "sweep/sweep_run.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_sweep(CLI::App& program, SweepRequest& request);
ExitCode sweep_verb(const SweepRequest& request, const MpiSession& session);

}  // namespace pleat
