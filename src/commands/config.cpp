#include "commands/config.h"

#include <CLI/CLI.hpp>

#include "base/run_log.h"
#include "run/run_config.h"

namespace pleat {

CLI::Option* add_set(CLI::App& verb, std::vector<std::string>& assignments) {
  return verb
      .add_option("--set", assignments,
                  "override one value of the config, for example train.lr=1e-4 or targets.0.name=mask; repeat the flag "
                  "for several: --set a=1 --set b=2")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

CLI::App* add_config(CLI::App& program, ConfigOptions& options) {
  CLI::App* verb =
      program.add_subcommand("config", "Print a config with its defaults filled in, or the reference of all keys");
  auto* file = verb->add_option("config", options.config, "YAML file; required unless --reference is given");
  file->type_name("FILE");
  auto* set = add_set(*verb, options.assignments);
  auto* reference = verb->add_flag("--reference", options.reference, "print the reference of all keys, docs/config.md");
  reference->excludes(file)->excludes(set);
  return verb;
}

ExitCode config_verb(const ConfigOptions& options) {
  if (options.reference) {
    print_result(config_reference());
  } else if (options.config.empty()) {
    throw UsageError("give a config file, or --reference for all keys");
  } else {
    print_result(to_yaml(from_json(to_json(load_run_config(options.config, options.assignments)))));
  }
  return ExitCode::kDone;
}

}  // namespace pleat
