#include "commands/sweep.h"

#include <CLI/CLI.hpp>

#include "commands/config.h"
#include "kernels/tensor_pool.h"
#include "report/report_run.h"

namespace pleat {

CLI::App* add_sweep(CLI::App& program, SweepRequest& request) {
  TrainRequest& train = request.train;
  CLI::App* verb = program.add_subcommand(
      "sweep", "Train a config with several values of some keys, and name the best by its out-of-fold score");
  verb->add_option("config", train.config, "YAML file; keys: docs/config.md, or pleat config --reference")
      ->type_name("FILE")
      ->required();
  verb->add_option("--axis", request.axes,
                   "a key and its values: a list (train.lr=1e-4,1e-3), or a range with a number of values "
                   "(train.lr=log:1e-5:1e-2:6, train.batch=lin:16:64:4); repeat the flag for several keys: all "
                   "combinations are tried")
      ->type_name("KEY=VALUES")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  verb->add_option("--random", request.random,
                   "try only this many of the combinations, drawn by the config's seed; a range may then lack its "
                   "number of values")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{kMostCells}));
  verb->add_option("--trials", request.trials, "a CSV file in place of --axis: a column per key, a row per combination")
      ->type_name("FILE.csv");
  add_set(*verb, train.assignments);
  verb->add_option("--run", train.run,
                   "folder of the sweep; default: runs/<config name>_sweep; an unfinished sweep is resumed, and one "
                   "with more values continued")
      ->type_name("DIR");
  verb->add_flag("--collect", request.collect,
                 "also join all cells that were trained on all folds into one ensemble, DIR/ensemble");
  verb->add_flag("--dry-run", train.dry_run, "print cells, trainings, time, memory and disk use; write nothing");
  verb->footer(
      "The config's section sweep has the strategy (race or full) and the weights to keep. Under mpirun, ranks share "
      "the "
      "trainings: mpirun --bind-to none -n 2 pleat sweep my.yaml --axis train.lr=3e-4,1e-3,3e-3");
  return verb;
}

ExitCode sweep_verb(const SweepRequest& request, const MpiSession& session) {
  use_tensor_pool();
  const RunEnd end = sweep_run(request, session);
  if (session.rank() == 0 && !end.report_of.empty()) report_finished_run(end.report_of);
  return end.code;
}

}  // namespace pleat
