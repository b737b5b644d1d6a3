#include "base/stop_signal.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>
#include <string_view>

#include "base/error.h"

namespace pleat {
namespace {

volatile sig_atomic_t at_once = 0, received = 0, terminated = 0, interrupted = 0;
double first_interrupt = 0;  // used by the handler alone, which does not interrupt itself

double seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

[[noreturn]] void end_at_once() {
  constexpr std::string_view kText = "pleat: stopped on request; nothing was written\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText.data(), kText.size());
  _exit(static_cast<int>(ExitCode::kStopped));
}

// Calls only functions that POSIX allows in a signal handler.
void on_signal(int number) {
  if (at_once) end_at_once();
  received = 1;
  if (number == SIGTERM) terminated = 1;
  if (number != SIGINT) return;
  // One Ctrl-C may arrive twice at once, from the terminal and from mpirun. Only a later SIGINT is a second press.
  constexpr double kOnePress = 0.5;
  if (interrupted && seconds_now() - first_interrupt > kOnePress) {
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);  // takes effect as soon as this handler returns
  }
  if (!interrupted) first_interrupt = seconds_now();
  interrupted = 1;
}

}  // namespace

void watch_for_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&action.sa_mask, number);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaction(number, &action, nullptr);
}

StopsAtOnce::StopsAtOnce() {
  at_once = 1;
  if (received) end_at_once();  // the signal came before
}

StopsAtOnce::~StopsAtOnce() { at_once = 0; }

bool stop_signal_received() { return received != 0; }

bool termination_signal_received() { return terminated != 0; }

}  // namespace pleat
