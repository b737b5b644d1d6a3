#include "commands/runs.h"

#include <CLI/CLI.hpp>

#include "report/list_runs.h"

namespace pleat {

CLI::App* add_runs(CLI::App& program, RunsOptions& options) {
  CLI::App* verb = program.add_subcommand("runs", "List runs, sweeps and ensembles: state, score, disk use");
  verb->add_option("folder", options.folder, "folder that holds them")->type_name("DIR")->capture_default_str();
  verb->footer(
      "States: live (a process works in it), stopped (the same command resumes it), done, failed (some networks "
      "failed; the same command tries them again).");
  return verb;
}

ExitCode runs_verb(const RunsOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { list_runs(options.folder); });
  return ExitCode::kDone;
}

}  // namespace pleat
