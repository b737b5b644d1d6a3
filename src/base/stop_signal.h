// SIGINT, SIGTERM and SIGUSR1 ask the program to save its place and exit with code 75. A second SIGINT (Ctrl-C) ends it
// at once.
#pragma once

namespace pleat {

void watch_for_stop_signals();
bool stop_signal_received();

/// While one lives, a stop signal ends the process at once with code 75: for work that cannot look for signals, and
/// before anything is written.
class StopsAtOnce {
 public:
  StopsAtOnce();
  ~StopsAtOnce();
  StopsAtOnce(const StopsAtOnce&) = delete;
  StopsAtOnce& operator=(const StopsAtOnce&) = delete;
};

/// True after SIGTERM. A launcher that has lost a rank sends SIGTERM, then SIGKILL.
bool termination_signal_received();

}  // namespace pleat
