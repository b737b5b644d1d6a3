#include "cluster/launch_command.h"

#include <errno.h>  // program_invocation_name
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace pleat {
namespace {

bool has_env(const char* name) { return std::getenv(name) != nullptr; }

}  // namespace

Launcher find_launcher() {
  // mpirun first: under Slurm its ranks have Slurm's variables too. Open MPI 5 sets PRRTE's variables.
  if (has_env("OMPI_COMM_WORLD_SIZE") || has_env("PRTE_LAUNCHED")) return Launcher::kMpirun;
  // PMIx (srun --mpi=pmix, prterun) and PMI (srun --mpi=pmi2).
  if (has_env("PMIX_RANK") || has_env("PMI_RANK"))
    return has_env("SLURM_STEP_ID") ? Launcher::kSrun : Launcher::kMpirun;
  return Launcher::kNone;
}

namespace {

// bash, zsh and ksh read $'…', which keeps control characters off the terminal.
std::string ansi_quoted(std::string_view word) {
  std::string quoted = "$'";
  for (const char c : word) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) {
      quoted += fmt::format("\\{:03o}", code);
    } else {
      quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
  }
  return quoted + "'";
}

}  // namespace

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (std::any_of(word.begin(), word.end(), is_control)) return ansi_quoted(word);
  std::string quoted = "'";
  for (const char c : word) c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

std::string program_word() { return shell_quoted(program_invocation_name); }

std::string launch_command(Launcher launcher, int ranks, const std::vector<std::string>& words, bool as_root) {
  std::string text;
  if (launcher == Launcher::kMpirun)
    text = fmt::format("mpirun --bind-to none -n {} {}", ranks, as_root ? "--allow-run-as-root " : "");
  if (launcher == Launcher::kSrun) text = fmt::format("srun -n {} ", ranks);
  for (std::size_t i = 0; i < words.size(); ++i) text += (i ? " " : "") + shell_quoted(words[i]);
  return text;
}

}  // namespace pleat
