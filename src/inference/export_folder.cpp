#include "inference/export_folder.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/fields.h"
#include "base/stop_signal.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr const char *kAside = ".export.partial", *kLock = ".export.lock";

bool is_export(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder / kAside, error)) return true;  // left by a killed export
  const fs::path manifest = folder / kExportManifest;
  if (!fs::is_regular_file(manifest, error)) return false;
  const Json json = parse_json_or_null(read_file(manifest));
  return json.is_object() && json.contains("format") && json["format"] == kExportFormat;
}

void refuse_foreign(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() == fs::file_type::none) throw_file_error("look for", folder, error.value());
  if (!fs::is_directory(status)) throw DataError("--out {} is a file; give a folder", folder.string());
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename() == kLock) continue;
    if (is_export(folder)) return;
    throw DataError("--out {} is not empty and holds no earlier export (no export's {}, but {}); give another folder",
                    folder.string(), kExportManifest, entry->path().filename().string());
  }
  if (error) throw_file_error("list folder", folder, error.value());
}

// Returns `folder` and its parents that do not exist yet, the topmost last.
std::vector<fs::path> missing_folders(fs::path folder) {
  std::vector<fs::path> missing;
  std::error_code ignored;
  for (; folder.has_filename() && !fs::exists(folder, ignored); folder = folder.parent_path())
    missing.push_back(folder);
  return missing;
}

void remove_files(const fs::path& folder, const char* ending) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ending) files.push_back(entry->path());
  }
  for (const fs::path& file : files) {
    if (!fs::remove(file, error) && error) throw_file_error("remove", file, error.value());
  }
  fs::remove(folder, error);  // only if it is empty
}

}  // namespace

void refuse_inside(const fs::path& out, const fs::path& run) {
  if (!lies_inside(out, run)) return;
  throw UsageError("--out {} is {}the run folder {}; give a folder elsewhere", out.string(),
                   lies_inside(run, out) ? "" : "inside ", run.string());
}

ExportFolder::ExportFolder(const fs::path& folder, const fs::path& run)
    : folder_(resolved_path(folder)), aside_(folder_ / kAside) {
  refuse_inside(folder, run);
  refuse_foreign(folder);
  const std::vector<fs::path> missing = missing_folders(folder_);
  make_folder(folder_);
  lock_.emplace(folder_ / kLock, LockOptions{folder.string(), "give another folder with --out", /*temporary=*/true});
  made_ = missing;
  std::error_code error;
  fs::remove_all(aside_, error);
  if (error) throw_file_error("remove", aside_, error.value());
}

ExportFolder::~ExportFolder() {
  std::error_code ignored;
  if (!publishing_) fs::remove_all(aside_, ignored);
  lock_.reset();
  if (publishing_) return;
  for (const fs::path& made : made_) fs::remove(made, ignored);
}

void ExportFolder::add(const fs::path& name, std::string_view bytes) {
  if (stop_signal_received()) throw StopRequested("stopped on request; nothing was exported");
  make_folder((aside_ / name).parent_path());
  write_file(aside_ / name, bytes);
  names_.push_back(name);
}

std::uintmax_t ExportFolder::adopt(const fs::path& name) {
  names_.push_back(name);
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(aside_ / name, error);
  if (error) throw_file_error("read", aside_ / name, error.value());
  return bytes;
}

void ExportFolder::publish() {
  std::stable_partition(names_.begin(), names_.end(), [](const fs::path& name) { return name != kExportManifest; });
  publishing_ = true;  // from now on, the temporary files mark the folder as an export
  remove_earlier();
  for (const fs::path& name : names_) {
    fault_point("publish_export");
    make_folder((folder_ / name).parent_path());
    publish_file(aside_ / name, folder_ / name);
  }
  std::error_code error;
  fs::remove_all(aside_, error);
  if (error) throw_file_error("remove", aside_, error.value());
}

void ExportFolder::remove_earlier() const {
  for (const char* name : {kExportManifest, kExportLoader, kExportOnnx, kExportOnnxWeights}) {
    std::error_code error;
    if (!fs::remove(folder_ / name, error) && error) throw_file_error("remove", folder_ / name, error.value());
  }
  remove_files(folder_ / kExportParts, ".py");
  remove_files(folder_ / kExportWeights, ".safetensors");
  remove_files(folder_ / kExportScripts, ".pt");
}

}  // namespace pleat
