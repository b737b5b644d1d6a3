// pleat config: what a config means once defaults and --set are in, and the reference of all keys.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
}

namespace pleat {

struct ConfigOptions {
  std::string config;
  std::vector<std::string> assignments;
  bool reference = false;
};

CLI::App* add_config(CLI::App& program, ConfigOptions& options);
ExitCode run_config(const ConfigOptions& options);

}  // namespace pleat
