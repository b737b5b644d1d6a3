// pleat export: a finished run's ensemble as a folder for Python.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/ranks.h"

namespace CLI {
class App;
}

namespace pleat {

struct ExportOptions {
  std::filesystem::path run, out;
};

CLI::App* add_export(CLI::App& program, ExportOptions& options);

/// Every rank must call it; rank 0 alone writes. Throws UsageError, DataError or StopRequested.
ExitCode run_export(const ExportOptions& options, const Ranks& ranks);

}  // namespace pleat
