// pleat predict: predicts crops or photos with the ensemble of a finished run.
#pragma once

#include <filesystem>

#include "cluster/mpi_session.h"
#include "inference/predict.h"

namespace CLI {
class App;
}

namespace pleat {

struct PredictFlags {
  PredictRequest request;               // `crops` is empty if photos are given
  std::filesystem::path table, images;  // photos, prepared like the run's
  std::filesystem::path detector, masks;
  std::int64_t max_pixels = 0;  // 0: not given
  bool skip_bad = false;
};

CLI::App* add_predict(CLI::App& program, PredictFlags& flags);
ExitCode predict_verb(const PredictFlags& flags, const MpiSession& session);

}  // namespace pleat
