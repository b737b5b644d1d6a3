#include "commands/clean.h"

#include <CLI/CLI.hpp>

namespace pleat {

CLI::App* add_clean(CLI::App& program, CleanOptions& options) {
  CleanRequest& request = options.request;
  CLI::App* verb = program.add_subcommand("clean", "List what finished runs no longer need, and free it with --yes");
  verb->add_option("runs", request.runs, "folders of runs or sweeps")->type_name("RUN")->required();
  verb->add_flag("--yes", request.remove, "remove the files that are listed");
  verb->footer(
      "Not needed are checkpoints of networks that are done, and weights of networks that the ensemble does not use. "
      "pleat predict, export, compare, audit and report work as before; pleat train in that folder would train those "
      "networks again, and pleat ensemble may miss them.");
  return verb;
}

ExitCode clean_verb(const CleanOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { clean_runs(options.request); });
  return ExitCode::kDone;
}

}  // namespace pleat
