// pleat completion: a script with which a shell completes verbs, flags, their values, files and config keys.
#pragma once

#include <string>

#include "base/error.h"

namespace CLI {
class App;
}  // namespace CLI

namespace pleat {

struct CompletionOptions {
  std::string shell;
};

CLI::App* add_completion(CLI::App& program, CompletionOptions& options);

/// Prints the script for the verbs of `program`.
ExitCode completion_verb(const CLI::App& program, const CompletionOptions& options);

/// Returns the script. `shell`: bash, zsh or fish
std::string completion_script(const CLI::App& program, const std::string& shell);

}  // namespace pleat
