// One event, one line, with units; rank and job come from the pattern. Goes to standard error.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace pleat {

/// Sets pattern and level. `rank` < 0 leaves the rank out (one rank alone). PLEAT_LOG=debug|info|warn|error.
void start_log(int rank);

/// What this thread is at work on ("mask/r18/fold 2"): stands in each of its lines while this lives. "" for none.
class LogContext {
 public:
  explicit LogContext(std::string context);
  ~LogContext();
  LogContext(const LogContext&) = delete;
  LogContext& operator=(const LogContext&) = delete;

 private:
  std::string before_;
};

}  // namespace pleat
