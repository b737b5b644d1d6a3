// The folder that pleat export writes: whole or as it was before, whatever happens while it is written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace pleat {

inline constexpr const char* kExportManifest = "ensemble.json";
inline constexpr const char* kExportLoader = "ensemble.py";
inline constexpr const char* kExportWeights = "weights";  // folders of files
inline constexpr const char* kExportScripts = "scripts";
inline constexpr const char* kExportFormat = "pleat ensemble";  // the manifest's "format"

/// Files are written aside in the folder first, and take their places all together: those of an earlier export go,
/// others stay. A kill in between leaves a folder without a manifest, which the next export takes for its own.
class ExportFolder {
 public:
  /// Makes the folder and those above it. Throws UsageError if it is `run`, or inside of it; DataError if it holds
  /// other things than an earlier export, if another export is writing it, or if it cannot be written.
  ExportFolder(const std::filesystem::path& folder, const std::filesystem::path& run);
  /// What was not published is removed, the folder too if it was not there before.
  ~ExportFolder();
  ExportFolder(const ExportFolder&) = delete;
  ExportFolder& operator=(const ExportFolder&) = delete;

  /// `name`: in the folder. Throws DataError if it cannot be written, StopRequested.
  void add(const std::filesystem::path& name, std::string_view bytes);

  /// All that was added takes its place, in that order.
  void publish();

 private:
  void remove_earlier() const;

  std::filesystem::path folder_, aside_;
  std::vector<std::filesystem::path> made_;  // folders that were not there, the last the topmost
  std::optional<FolderLock> lock_;
  std::vector<std::filesystem::path> names_;
  bool publishing_ = false;
};

}  // namespace pleat
