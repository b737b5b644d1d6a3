// SIGINT, SIGTERM and SIGUSR1 ask the program to save its place and leave with exit code 75; a second one ends it at
// once.
#pragma once

namespace pleat {

void watch_for_stop_signals();
bool stop_signal_received();

}  // namespace pleat
