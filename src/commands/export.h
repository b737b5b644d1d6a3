// pleat export: writes a finished run's ensemble as a folder for Python.
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
  bool onnx = false;
};

CLI::App* add_export(CLI::App& program, ExportOptions& options);

/// Collective: every rank calls it, only rank 0 writes.
/// Throws: UsageError, DataError, StopRequested.
ExitCode export_verb(const ExportOptions& options, const Ranks& ranks);

}  // namespace pleat
