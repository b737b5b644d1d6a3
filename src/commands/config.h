// pleat config: prints a config with its defaults and --set values filled in, or the reference of all keys.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace pleat {

struct ConfigOptions {
  std::string config;
  std::vector<std::string> assignments;
  bool reference = false;
};

/// Adds the flag --set to a verb that reads a config.
CLI::Option* add_set(CLI::App& verb, std::vector<std::string>& assignments);

CLI::App* add_config(CLI::App& program, ConfigOptions& options);
ExitCode config_verb(const ConfigOptions& options);

}  // namespace pleat
