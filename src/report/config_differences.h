// The config values in which runs differ.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

struct ConfigDifference {
  std::string key;                  // "train.lr", "models[0].name"
  std::vector<std::string> values;  // of each run; empty: not set
};

/// By key, in the order of the first run's config.yaml. Leaves out keys that change no result (cluster, sweep, report).
/// A run whose config cannot be read has no values.
std::vector<ConfigDifference> config_differences(const std::vector<std::filesystem::path>& runs);

}  // namespace pleat
