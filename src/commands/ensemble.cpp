#include "commands/ensemble.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/utf8.h"
#include "cluster/launch_command.h"

namespace pleat {
namespace {

// Reads NAME=FILE.
NamedTable table_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError("--oof {} is not NAME=FILE, such as other=oof.csv", shown(text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

CLI::App* add_ensemble(CLI::App& program, EnsembleOptions& options) {
  MergeRequest& request = options.request;
  CLI::App* verb = program.add_subcommand(
      "ensemble", "Choose one ensemble from the models of several finished runs on the same data and folds");
  verb->add_option("runs", request.runs, "folders of finished runs")->type_name("RUN")->required();
  verb->add_option("--out", request.out,
                   "folder to write, for pleat predict and pleat export: new, empty, or an earlier ensemble, which is "
                   "replaced")
      ->type_name("DIR")
      ->required();
  verb->add_option("--oof", options.tables,
                   "out-of-fold predictions of another program, as a further candidate: a CSV or HDF5 file "
                   "(docs/formats.md); may be repeated")
      ->type_name("NAME=FILE")
      ->expected(1)
      ->take_all();
  verb->add_option("--method", request.method,
                   "how the ensemble is chosen; default: the first run's config key ensemble")
      ->type_name("METHOD")
      ->check(CLI::IsMember({"auto", "mean", "best", "greedy", "stack"}));
  verb->add_option("--crops", request.crops, "the runs' crops file, if it was moved")->type_name("FILE");
  verb->footer(
      "The runs need the same data, folds, targets and classes. Train the second run on the first one's folds: pleat "
      "train "
      "b.yaml --set folds.file=runs/a/folds.csv. With one run, another --method is tried without training.");
  return verb;
}

ExitCode ensemble_verb(const EnsembleOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] {
    MergeRequest request = options.request;
    for (const std::string& table : options.tables) request.tables.push_back(table_of(table));
    merge_runs(request);
    spdlog::info("next: {} predict --run {} --crops FILE --out FILE.csv", program_word(),
                 shell_quoted(request.out.string()));
  });
  return ExitCode::kDone;
}

}  // namespace pleat
