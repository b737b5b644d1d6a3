#include "commands/train.h"

#include <CLI/CLI.hpp>

#include "commands/config.h"
#include "train/tensor_pool.h"

namespace pleat {

CLI::App* add_train(CLI::App& program, TrainRequest& request) {
  CLI::App* verb =
      program.add_subcommand("train", "Train every fold, gather the out-of-fold predictions, build the ensemble");
  verb->add_option("config", request.config, "YAML file; keys: docs/config.md, or pleat config --reference")
      ->type_name("FILE")
      ->required();
  add_set(*verb, request.assignments);
  verb->add_option("--run", request.run,
                   "run folder; default: runs/<config file's stem>. A folder that holds this run is continued")
      ->type_name("DIR");
  verb->add_flag("--dry-run", request.dry_run, "show jobs, slots, memory and disk, and write nothing");
  verb->footer("Under mpirun every rank takes folds: mpirun --bind-to none -n 2 pleat train configs/quickstart.yaml");
  return verb;
}

ExitCode run_train(const TrainRequest& request, const MpiSession& session) {
  use_tensor_pool();
  return train_run(request, session);
}

}  // namespace pleat
