// pleat train: config in, out-of-fold ensemble out.
#pragma once

#include "cluster/mpi_session.h"
#include "rounds/round.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_train(CLI::App& program, TrainRequest& request);
ExitCode run_train(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
