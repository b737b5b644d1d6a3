#include "commands/config.h"

#include <CLI/CLI.hpp>

#include "rounds/run_config.h"

namespace pleat {

CLI::App* add_config(CLI::App& program, ConfigOptions& options) {
  CLI::App* verb =
      program.add_subcommand("config", "Show a config with all its defaults, or the reference of all keys");
  auto* file = verb->add_option("config", options.config, "YAML file");
  verb->add_option("--set", options.assignments, "override a value, as in --set train.lr=1e-4 (repeatable)")
      ->allow_extra_args(false);
  auto* reference = verb->add_flag("--reference", options.reference, "print docs/config.md");
  reference->excludes(file);
  return verb;
}

ExitCode run_config(const ConfigOptions& options) {
  if (options.reference) {
    fmt::print("{}", config_reference());
  } else if (options.config.empty()) {
    throw UsageError("give a config file, or --reference for all keys");
  } else {
    fmt::print("{}", to_yaml(from_json(to_json(load_run_config(options.config, options.assignments)))));
  }
  return ExitCode::kDone;
}

}  // namespace pleat
