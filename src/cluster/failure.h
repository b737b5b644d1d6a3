// Error texts, and ways to end all ranks when one fails alone. That rank must not unwind: destructors (of the
// coordinator, of a communicator) would wait for peers that wait for it.
#pragma once

#include <exception>
#include <string>

namespace pleat {

/// error.what(), without the C++ backtrace in LibTorch's errors.
std::string message_of(const std::exception& error);

/// Ends every rank with this exit code. Does not wait for peers, which may be inside a collective. Without MPI it ends
/// this process.
[[noreturn]] void abort_all_ranks(int exit_code);

/// Logs the error once, then ends all ranks with its exit code (kCluster if it is no pleat::Error).
[[noreturn]] void end_all_ranks(const std::exception& error);

/// From now on, an uncaught exception in any thread ends all ranks instead of raising a bare SIGABRT. NCCL's watchdog
/// throws one when a peer is lost. The logged line names the error and `command`, which resumes the run.
void end_all_ranks_on_terminate(const std::string& command);

}  // namespace pleat
