// The command that resumes this run, ready to paste into a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Detects the launcher from environment variables. Requires: called before MPI is initialised, since MPI may add such
/// variables.
enum class Launcher { kNone, kMpirun, kSrun };
Launcher find_launcher();

/// Returns the word, in single quotes if a POSIX shell needs them.
std::string shell_quoted(std::string_view word);

/// Returns the whole command line, launcher included.
///   words: argv
/// Ranks do not know the launcher's other flags. mpirun's binding is always switched off: by default it binds each rank
/// to one core.
std::string launch_command(Launcher launcher, int ranks, const std::vector<std::string>& words);

}  // namespace pleat
