// The command that started this run, ready to be pasted into a shell to go on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// What started the ranks, by the environment that it leaves behind. To be asked before MPI is initialized, which may
/// add to it.
enum class Launcher { kNone, kMpirun, kSrun };
Launcher find_launcher();

/// The word as it is if a POSIX shell takes it so, else in single quotes.
std::string shell_quoted(std::string_view word);

/// words: argv. Of the launcher's own flags a rank knows only the number of ranks; mpirun's binding is always switched
/// off, since its default would bind each rank to one core.
std::string launch_command(Launcher launcher, int ranks, const std::vector<std::string>& words);

}  // namespace pleat
