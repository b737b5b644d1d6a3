// pleat compare: leaderboards of runs, and the differences between them.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "report/compare_runs.h"

namespace CLI {
class App;
}

namespace pleat {

struct CompareOptions {
  CompareRequest request;
};

CLI::App* add_compare(CLI::App& program, CompareOptions& options);

/// Collective: every rank calls it, only rank 0 works.
/// Throws: UsageError, DataError.
ExitCode compare_verb(const CompareOptions& options, const Ranks& ranks);

}  // namespace pleat
