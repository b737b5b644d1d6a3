// The arguments of pleat train.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pleat {

struct TrainRequest {
  std::filesystem::path config;
  std::vector<std::string> assignments;  // --set
  std::filesystem::path run;             // run folder; empty: runs/<config file's stem>
  bool dry_run = false;
  std::string command;  // as typed, for messages that say how to resume
};

}  // namespace pleat
