// Runs work under an injected fault, in a child process: base/files reads PLEAT_FAULT only once per process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"

namespace pleat {

/// Returns the exit code: 0, 3 after a DataError, or minus the signal if the process was killed.
///   fault: value of PLEAT_FAULT
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
