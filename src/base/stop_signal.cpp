#include "base/stop_signal.h"

#include <csignal>
#include <initializer_list>

namespace pleat {
namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int signal) {
  // mpirun passes one Ctrl-C on and the terminal sends another; only a second interrupt by hand (SIGINT) is impatience.
  if (received && signal != SIGUSR1) std::signal(signal, SIG_DFL);
  received = 1;
}

}  // namespace

void watch_for_stop_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

bool stop_signal_received() { return received != 0; }

}  // namespace pleat
