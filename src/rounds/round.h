// A run from config to scores; reads like the flow in docs/architecture.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "cluster/mpi_session.h"

namespace pleat {

struct TrainRequest {
  std::filesystem::path config;
  std::vector<std::string> assignments;  // --set
  std::filesystem::path run;             // empty: runs/<config file's stem>
  bool dry_run = false;
  std::string command;  // as it was typed, for the line that says how to go on
};

/// Collective: every rank calls it. Returns kDone or kSomeFailed, the same on every rank; throws on all ranks alike.
ExitCode train_run(const TrainRequest& request, const MpiSession& session);

}  // namespace pleat
