// pleat init: writes a commented config for a crops file.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/ranks.h"

namespace CLI {
class App;
}

namespace pleat {

struct InitOptions {
  std::filesystem::path crops;
  std::filesystem::path out;  // empty: standard output
};

CLI::App* add_init(CLI::App& program, InitOptions& options);

/// Collective: every rank calls it, only rank 0 writes.
/// Throws: DataError if no column can be a target, or if `out` exists.
ExitCode init_verb(const InitOptions& options, const Ranks& ranks);

}  // namespace pleat
