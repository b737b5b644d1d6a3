// SIGINT, SIGTERM and SIGUSR1 ask the program to save its place and leave with exit code 75; a second SIGINT (Ctrl-C)
// ends it at once.
#pragma once

namespace pleat {

void watch_for_stop_signals();
bool stop_signal_received();

/// True if one of them was SIGTERM: what a launcher sends, and follows up with SIGKILL, when a rank was lost.
bool termination_signal_received();

}  // namespace pleat
