// The folder that pleat export writes, atomically: after a failure or a kill it holds no half export.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace pleat {

inline constexpr const char* kExportManifest = "ensemble.json";
inline constexpr const char* kExportLoader = "ensemble.py";
inline constexpr const char* kExportOnnx = "ensemble.onnx";
inline constexpr const char* kExportOnnxWeights = "ensemble.onnx.data";  // if they are large
inline constexpr const char* kExportParts = "loader";                    // folders of files
inline constexpr const char* kExportWeights = "weights";
inline constexpr const char* kExportScripts = "scripts";
inline constexpr const char* kExportFormat = "pleat ensemble";  // the manifest's "format"

/// Throws: UsageError if the folder of --out is `run` or inside it.
void refuse_inside(const std::filesystem::path& out, const std::filesystem::path& run);

/// Files are first written to a temporary place in the folder, then moved into place together. Files of an earlier
/// export are removed; other files stay. A kill during the move leaves a folder without a manifest, which the next
/// export completes.
class ExportFolder {
 public:
  /// Creates the folder and its parents.
  /// Throws: UsageError if it is `run` or inside it; DataError if it holds files of anything but an earlier export, if
  /// another export writes it, or if it cannot be written.
  ExportFolder(const std::filesystem::path& folder, const std::filesystem::path& run);
  /// Removes unpublished files, and the folder if it was created here.
  ~ExportFolder();
  ExportFolder(const ExportFolder&) = delete;
  ExportFolder& operator=(const ExportFolder&) = delete;

  /// `name`: in the folder. Throws DataError if it cannot be written, StopRequested.
  void add(const std::filesystem::path& name, std::string_view bytes);

  /// The temporary place, where another program may read the added files, and write a file.
  const std::filesystem::path& aside() const { return aside_; }

  /// Adds a file that another program wrote to `aside()`. Returns its bytes.
  std::uintmax_t adopt(const std::filesystem::path& name);

  /// Moves all added files into place, the manifest last.
  void publish();

 private:
  void remove_earlier() const;

  std::filesystem::path folder_, aside_;
  std::vector<std::filesystem::path> made_;  // folders created here, the topmost last
  std::optional<FolderLock> lock_;
  std::vector<std::filesystem::path> names_;
  bool publishing_ = false;
};

}  // namespace pleat
