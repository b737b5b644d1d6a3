// pleat train: trains the folds of a config and builds the ensemble.
#pragma once

#include <filesystem>

#include "cluster/mpi_session.h"
#include "rounds/train_run.h"

namespace CLI {
class App;
}

namespace pleat {

struct TrainOptions {
  TrainRequest request;
  std::filesystem::path preview_augment;  // PNG to write instead of training; empty: train
  bool find_lr = false;                   // test learning rates instead of training
};

CLI::App* add_train(CLI::App& program, TrainOptions& options);
ExitCode train_verb(const TrainOptions& options, const MpiSession& session);

}  // namespace pleat
