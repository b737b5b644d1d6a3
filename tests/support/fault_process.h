// Work in a process of its own under an injected fault (base/files: fault points are read once a process).
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"

namespace pleat {

/// The exit code: 0, or 3 where it threw DataError; of a process that was killed, minus the signal.
///   fault: as in PLEAT_FAULT
template <class Work>
int outcome_under_fault(const char* fault, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("PLEAT_FAULT", fault, 1);
    try {
      work();
    } catch (const DataError&) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace pleat
