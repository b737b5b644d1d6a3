// Errors for the user: what happened, which value, what to do. main prints each once and exits with its code(). Any
// other exception is a bug in pleat, and its message says so.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace pleat {

/// Exit codes of the program. Part of the command line's contract.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,       // a flag, a config key or value
  kData = 3,        // a photo, table, crops file, checkpoint; a disk that is full or cannot be written
  kCluster = 4,     // ranks, devices, MPI, NCCL
  kSomeFailed = 5,  // done, but some jobs failed
  kStopped = 75,    // stopped on request; run again to resume
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

  /// True if every rank throws this error: one rank prints it, and all exit normally. A rank that fails alone aborts.
  bool on_all_ranks() const { return on_all_ranks_; }
  Error for_all_ranks() const {
    Error copy = *this;
    copy.on_all_ranks_ = true;
    return copy;
  }

 private:
  ExitCode code_;
  bool on_all_ranks_ = false;
};

template <ExitCode kCode>
class ErrorOf : public Error {
 public:
  explicit ErrorOf(const std::string& message) : Error(kCode, message) {}
  template <class First, class... Rest>
  ErrorOf(fmt::format_string<First, Rest...> format, First&& first, Rest&&... rest)
      : Error(kCode, fmt::format(format, std::forward<First>(first), std::forward<Rest>(rest)...)) {}
};

using UsageError = ErrorOf<ExitCode::kUsage>;
using DataError = ErrorOf<ExitCode::kData>;
using ClusterError = ErrorOf<ExitCode::kCluster>;
using StopRequested = ErrorOf<ExitCode::kStopped>;

}  // namespace pleat
