// pleat runs.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/ranks.h"

namespace CLI {
class App;
}

namespace pleat {

struct RunsOptions {
  std::filesystem::path folder = "runs";
};

CLI::App* add_runs(CLI::App& program, RunsOptions& options);

/// Collective: every rank calls it, only rank 0 works. Throws: DataError.
ExitCode runs_verb(const RunsOptions& options, const Ranks& ranks);

}  // namespace pleat
