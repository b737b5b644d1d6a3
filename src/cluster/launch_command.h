// Commands that are ready to paste into a shell: the one that resumes this run, and parts of others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Detects the launcher from environment variables. Requires: called before MPI is initialised, since MPI may add such
/// variables.
enum class Launcher { kNone, kMpirun, kSrun };
Launcher find_launcher();

/// Returns the word, in single quotes if a POSIX shell needs them, or as $'\012' if it has control characters.
std::string shell_quoted(std::string_view word);

/// Returns this program as it was called, for commands that a user pastes into a shell: "build/pleat", in quotes if
/// needed.
std::string program_word();

/// Returns the whole command line, launcher included.
///   words: argv
///   as_root: mpirun refuses to start as root without a flag for it
/// Ranks do not know the launcher's other flags. mpirun's binding is always switched off: by default it binds each rank
/// to one core.
std::string launch_command(Launcher launcher, int ranks, const std::vector<std::string>& words, bool as_root);

}  // namespace pleat
