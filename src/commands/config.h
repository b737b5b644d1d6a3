// pleat config: what a config means once defaults and --set are in, and the reference of all keys.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
class Option;
}

namespace pleat {

struct ConfigOptions {
  std::string config;
  std::vector<std::string> assignments;
  bool reference = false;
};

/// The flag --set of a verb that reads a config.
CLI::Option* add_set(CLI::App& verb, std::vector<std::string>& assignments);

CLI::App* add_config(CLI::App& program, ConfigOptions& options);
ExitCode run_config(const ConfigOptions& options);

}  // namespace pleat
