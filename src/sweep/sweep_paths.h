// The names of all files in a sweep's folder. Formats: docs/formats.md.
#pragma once

#include <filesystem>
#include <string>

#include "run/run_paths.h"

namespace pleat {

struct SweepPaths {
  std::filesystem::path root;

  std::filesystem::path lock() const { return root / "sweep.lock"; }
  std::filesystem::path sweep() const { return root / "sweep.json"; }
  std::filesystem::path table() const { return root / "sweep.csv"; }
  std::filesystem::path best() const { return root / "best.yaml"; }
  std::filesystem::path log() const { return root / "run.log"; }
  std::filesystem::path failures() const { return root / "failures.json"; }
  std::filesystem::path ensemble() const { return root / "ensemble"; }
  /// The names of the cells that the ensemble is made of.
  std::filesystem::path ensemble_cells() const { return root / "ensemble_cells.json"; }
  std::filesystem::path briefs() const { return root / "short"; }
  /// A cell's run, with the full schedule and with the short one.
  RunPaths trial(const std::string& cell) const { return {root / "trials" / cell}; }
  RunPaths brief(const std::string& cell) const { return {briefs() / cell}; }
};

}  // namespace pleat
