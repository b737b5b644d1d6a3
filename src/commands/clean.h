// pleat clean.
#pragma once

#include "base/error.h"
#include "base/ranks.h"
#include "report/clean_run.h"

namespace CLI {
class App;
}

namespace pleat {

struct CleanOptions {
  CleanRequest request;
};

CLI::App* add_clean(CLI::App& program, CleanOptions& options);

/// Collective: every rank calls it, only rank 0 works. Throws: DataError.
ExitCode clean_verb(const CleanOptions& options, const Ranks& ranks);

}  // namespace pleat
