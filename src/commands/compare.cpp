#include "commands/compare.h"

#include <CLI/CLI.hpp>

namespace pleat {

CLI::App* add_compare(CLI::App& program, CompareOptions& options) {
  CompareRequest& request = options.request;
  CLI::App* verb = program.add_subcommand("compare", "Compare finished runs on the same folds: scores and differences");
  verb->add_option("runs", request.paths, "folders of runs or sweeps, or folders that hold runs")
      ->type_name("RUN")
      ->required();
  verb->add_option("--score", request.score, "score to compare by; default: the runs' own")
      ->type_name("SCORE")
      ->check(CLI::IsMember({"accuracy", "macro_f1", "log_loss"}));
  verb->add_flag("--pairs", request.all_pairs, "show every pair with its classes and folds, not only the best run's");
  verb->add_option("--resamples", request.resamples, "resamples for the intervals")
      ->type_name("N")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  verb->add_option("--html", request.html, "page with the scores, differences and what differs in the configs")
      ->type_name("FILE.html");
  verb->add_option("--json", request.json, "file for the scores, and the differences of every pair")->type_name("FILE");
  verb->footer(
      "A difference has the interval that holds 95 % of the differences on resampled groups (data.group, else rows). "
      "It covers chance in the rows, not in the seed: train each option with two or three seeds.");
  return verb;
}

ExitCode compare_verb(const CompareOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] { compare_runs(options.request); });
  return ExitCode::kDone;
}

}  // namespace pleat
