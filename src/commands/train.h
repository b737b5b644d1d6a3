// pleat train: config in, out-of-fold ensemble out.
#pragma once

#include <filesystem>

#include "cluster/mpi_session.h"
#include "rounds/round.h"

namespace CLI {
class App;
}

namespace pleat {

struct TrainOptions {
  TrainRequest request;
  std::filesystem::path preview_augment;  // a PNG to write instead of training; empty: none
  bool find_lr = false;                   // try learning rates instead of training
};

CLI::App* add_train(CLI::App& program, TrainOptions& options);
ExitCode run_train(const TrainOptions& options, const MpiSession& session);

}  // namespace pleat
