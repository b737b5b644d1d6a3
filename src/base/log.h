// Logging to standard error: one line per event, with units. The pattern adds rank and job.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace pleat {

/// Sets pattern and level. PLEAT_LOG=debug|info|warn|error chooses the level. `rank` < 0 omits the rank.
void start_log(int rank);

/// While it lives, adds this thread's current work ("mask/r18/fold 2") to each of its lines. "" adds nothing.
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
