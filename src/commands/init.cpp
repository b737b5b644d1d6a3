#include "commands/init.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/run_log.h"
#include "cluster/launch_command.h"
#include "folds/fold_plan.h"
#include "run/dataset.h"
#include "run/first_config.h"
#include "run/run_config.h"

namespace pleat {
namespace {

// Reads config and data as pleat train does. Throws: the errors of pleat train.
void check_config(const std::string& text, const std::string& name) {
  const RunConfig config = config_of(parse_config(text, name));
  const Dataset dataset = open_dataset(config);
  make_folds(fold_request(config, dataset));
}

}  // namespace

CLI::App* add_init(CLI::App& program, InitOptions& options) {
  CLI::App* verb = program.add_subcommand("init", "Write a commented config for a crops file, ready to train");
  verb->add_option("crops", options.crops, "crops file made by pleat prepare")->type_name("CROPS.h5")->required();
  verb->add_option("--out", options.out, "config to write; it must not exist; default: standard output")
      ->type_name("FILE.yaml");
  return verb;
}

ExitCode init_verb(const InitOptions& options, const Ranks& ranks) {
  on_rank_0(ranks, [&] {
    if (!options.out.empty() && file_exists(options.out)) {
      throw DataError("{} exists and is not overwritten; give another --out, or remove it", options.out.string());
    }
    const std::string text = first_config(CropFile(options.crops), options.crops.string());
    check_config(text, options.out.empty() ? "the config" : options.out.string());
    if (options.out.empty()) {
      print_result(text);
      return;
    }
    if (options.out.has_parent_path()) make_folder(options.out.parent_path());
    write_file(options.out, text);
    spdlog::info("{} is written; look at its comments, then: {} train {} --dry-run", options.out.string(),
                 program_word(), shell_quoted(options.out.string()));
  });
  return ExitCode::kDone;
}

}  // namespace pleat
