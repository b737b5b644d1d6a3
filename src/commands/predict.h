// pleat predict: a finished run's ensemble on other crops.
#pragma once

#include "cluster/mpi_session.h"
#include "rounds/predict.h"

namespace CLI {
class App;
}

namespace pleat {

CLI::App* add_predict(CLI::App& program, PredictRequest& request);
ExitCode run_predict(const PredictRequest& request, const MpiSession& session);

}  // namespace pleat
