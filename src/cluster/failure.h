// What an error says, and the way out for a rank that fails alone: ending all ranks at once. Unwinding would wait for
// peers (a coordinator's thread, a communicator's teardown) that wait for this rank.
#pragma once

#include <exception>
#include <string>

namespace pleat {

/// what(), without the C++ stack that LibTorch's own errors carry.
std::string message_of(const std::exception& error);

/// Ends every rank with this exit code, without waiting for anyone: peers may be inside a collective. Without MPI it
/// ends this process.
[[noreturn]] void abort_all_ranks(int exit_code);

/// Logs the error once, then ends all ranks with its exit code (kCluster if it is not one of pleat's own).
[[noreturn]] void end_all_ranks(const std::exception& error);

/// A thread that throws with nobody to catch (NCCL's watchdog does, when a peer is lost) ends all ranks too, with a
/// line that says so and the command that goes on, instead of a bare SIGABRT.
void end_all_ranks_on_terminate(const std::string& command);

}  // namespace pleat
