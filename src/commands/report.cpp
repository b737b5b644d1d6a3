#include "commands/report.h"

#include <CLI/CLI.hpp>

namespace pleat {

CLI::App* add_report(CLI::App& program, ReportOptions& options) {
  ReportRequest& request = options.request;
  CLI::App* verb =
      program.add_subcommand("report", "Write a page on a run: scores, curves, photos of its errors, suspect labels");
  verb->add_option("run", request.run, "folder of a run or a sweep, also of an unfinished one")
      ->type_name("RUN")
      ->required();
  verb->add_option("--out", request.out,
                   "page to write, with Markdown beside it; default: report.html in the run's folder")
      ->type_name("FILE.html");
  verb->add_option("--crops", request.crops, "crops file, if it is no longer where the run found it")
      ->type_name("FILE.h5");
  verb->footer(
      "The page is one file that needs no network. pleat train and pleat sweep write it too, unless report: false.");
  return verb;
}

ExitCode report_verb(const ReportOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { report_run(options.request); });
  return ExitCode::kDone;
}

}  // namespace pleat
