// pleat ensemble: one ensemble out of several finished runs.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/ranks.h"
#include "merge/merge_runs.h"

namespace CLI {
class App;
}

namespace pleat {

struct EnsembleOptions {
  MergeRequest request;
  std::vector<std::string> tables;  // NAME=FILE
};

CLI::App* add_ensemble(CLI::App& program, EnsembleOptions& options);

/// Collective: every rank calls it, only rank 0 works.
/// Throws: UsageError, DataError.
ExitCode ensemble_verb(const EnsembleOptions& options, const Ranks& ranks);

}  // namespace pleat
