// The arguments of pleat train, and its end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace pleat {

struct TrainRequest {
  std::filesystem::path config;
  std::vector<std::string> assignments;  // --set
  std::filesystem::path run;             // run folder; empty: runs/<config file's stem>
  bool dry_run = false;
  std::string command;  // as typed, for messages that say how to resume
};

/// The end of a run or a sweep.
struct RunEnd {
  ExitCode code = ExitCode::kDone;  // the same on every rank
  std::filesystem::path report_of;  // on rank 0: the folder to report on; empty after a dry run and with report: false
};

}  // namespace pleat
