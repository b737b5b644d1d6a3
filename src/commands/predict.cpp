#include "commands/predict.h"

#include <CLI/CLI.hpp>

#include "train/tensor_pool.h"

namespace pleat {

CLI::App* add_predict(CLI::App& program, PredictRequest& request) {
  CLI::App* verb =
      program.add_subcommand("predict", "Predict the rows of a crops file with the ensemble of a finished run");
  verb->add_option("--run", request.run, "folder of a finished run")->type_name("DIR")->required();
  verb->add_option("--crops", request.crops,
                   "crops file made by pleat prepare, with the same size and crop as the run's")
      ->type_name("FILE")
      ->required();
  verb->add_option("--out", request.out, "CSV file to write: id, split, and per target its class and probabilities")
      ->type_name("FILE")
      ->required();
  verb->add_option("--device", request.device, "where to compute; default: auto, cuda if there is one")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  verb->footer("Under mpirun the ranks share the folds' models: mpirun --bind-to none -n 2 pleat predict …");
  return verb;
}

ExitCode run_predict(const PredictRequest& request, const MpiSession& session) {
  use_tensor_pool();
  return predict_run(request, session);
}

}  // namespace pleat
