#include "commands/audit.h"

#include <CLI/CLI.hpp>

namespace pleat {

CLI::App* add_audit(CLI::App& program, AuditOptions& options) {
  AuditRequest& request = options.request;
  CLI::App* verb = program.add_subcommand("audit", "List labels that a run's out-of-fold predictions contradict");
  verb->add_option("run", request.run, "folder of a finished run")->type_name("RUN")->required();
  verb->add_option("--out", request.out, "table to write; default: label_issues.csv in the run's folder")
      ->type_name("FILE.csv");
  verb->add_option("--crops", request.crops, "crops file, if it is no longer where the run found it")
      ->type_name("FILE.h5");
  verb->footer(
      "A label is suspect if confident learning counts it as wrong: networks that did not train on the row take it "
      "for another class. Look at the photos before you change a label.");
  return verb;
}

ExitCode audit_verb(const AuditOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { audit_run(options.request); });
  return ExitCode::kDone;
}

}  // namespace pleat
