// Exports a finished run's ensemble as a folder that Python can use without pleat: weights, their description, and a
// loader (exported/). Format: docs/formats.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace pleat {

struct ExportedEnsemble {
  std::size_t networks = 0;
  std::uintmax_t bytes = 0;   // of all files
  bool bf16 = false;          // a run was trained in bf16; the loader computes in fp32 unless precision="bf16"
  bool crops_photos = false;  // true if the loader can make crops from photos: of the whole photo or its centre
  std::string onnx;           // the converter's result, for the log; empty without an ONNX file
};

/// Writes the folder `out`, which may be new, empty or an earlier export. An earlier export is replaced.
///   onnx: also writes ensemble.onnx, for which it runs the loader in Python
/// Throws: UsageError if Python or one of its packages is missing; DataError if the run is not finished, has failed
/// jobs or is damaged, or if `out` holds other files or cannot be written; UsageError if `out` is in the run folder;
/// StopRequested. `out` is then unchanged, unless the disk failed while an earlier export's files were being replaced.
ExportedEnsemble export_ensemble(const std::filesystem::path& run, const std::filesystem::path& out, bool onnx = false);

}  // namespace pleat
