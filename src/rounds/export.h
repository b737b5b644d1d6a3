// A finished run's ensemble as a folder that Python uses without pleat: weights, what they mean, and a loader
// (exported_ensemble.py). Format: docs/formats.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace pleat {

struct ExportedEnsemble {
  std::size_t networks = 0;
  std::uintmax_t bytes = 0;   // of all files
  std::string precision;      // that the run computed in: fp32 or bf16; Python computes in fp32
  bool crops_photos = false;  // whether the loader makes the crops itself: of whole photos or their centres
};

/// Writes the folder `out`: new, empty or an earlier export, which is replaced. Throws DataError if the run is not
/// finished, has failed jobs or is damaged, or `out` holds other things or cannot be written; UsageError if it is in
/// the run folder; StopRequested. Then `out` is as it was, unless the disk failed while an earlier export's files were
/// being replaced.
ExportedEnsemble export_ensemble(const std::filesystem::path& run, const std::filesystem::path& out);

}  // namespace pleat
