// pleat predict: a finished run's ensemble on other crops, or straight on photos.
#pragma once

#include <filesystem>

#include "cluster/mpi_session.h"
#include "rounds/predict.h"

namespace CLI {
class App;
}

namespace pleat {

struct PredictFlags {
  PredictRequest request;               // its crops are empty where photos are given
  std::filesystem::path table, images;  // photos, prepared as the run's were
  std::filesystem::path detector, masks;
  bool skip_bad = false;
};

CLI::App* add_predict(CLI::App& program, PredictFlags& flags);
ExitCode run_predict(const PredictFlags& flags, const MpiSession& session);

}  // namespace pleat
