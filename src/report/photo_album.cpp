#include "report/photo_album.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data_tools/inspect/preview.h"
#include "data_tools/photos/thumbnail.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kLongest = 112;         // pixels of a photo's longer side
constexpr double kMostBytes = 1.9e6;  // of all photos in a page of 3 MB

// A run is often made in the folder above runs/, and looked at from another one.
fs::path found_from(const fs::path& run, const fs::path& path) {
  if (path.is_absolute() || file_exists(path)) return path;
  constexpr int kHighest = 4;  // folders above the run
  fs::path above = resolved_path(run);
  for (int i = 0; i < kHighest && above.has_relative_path(); ++i, above = above.parent_path())
    if (file_exists(above / path)) return above / path;
  return path;
}

}  // namespace

PhotoAlbum::PhotoAlbum(const RunRecord* record, const fs::path& run, const fs::path& given) {
  try {
    open(record, run, given);
  } catch (const Error& error) {
    missing_ = fmt::format("No photos: {}.", error.what());
  }
}

void PhotoAlbum::open(const RunRecord* record, const fs::path& run, const fs::path& given) {
  if (record == nullptr) {
    missing_ = "No photos: run.json, which names the crops file, cannot be read.";
    return;
  }
  const fs::path path = given.empty() ? found_from(run, record->data.crops) : given;
  if (!file_exists(path)) {
    missing_ =
        fmt::format("No photos: {} is gone; give the crops file's new place with --crops.", shown(path.string()));
    return;
  }
  CropFile crops(path);
  if (crops.hash() != record->data.hash) {
    missing_ = fmt::format("No photos: {} has changed since the run; give the run's crops file with --crops.",
                           shown(path.string()));
    return;
  }
  crops_.emplace(std::move(crops));
  const std::vector<std::string>& ids = crops_->table().column("id");
  rows_.reserve(ids.size());
  for (std::size_t row = 0; row < ids.size(); ++row) rows_.emplace(ids[row], row);
}

std::optional<std::size_t> PhotoAlbum::row_of(const std::string& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? std::nullopt : std::optional(found->second);
}

int PhotoAlbum::add(const std::string& id, double share) {
  const std::optional<std::size_t> row = row_of(id);
  if (!row) return -1;
  if (const auto known = numbers_.find(*row); known != numbers_.end()) return known->second;
  if (static_cast<double>(bytes_) >= share * kMostBytes || !crops_->valid(*row)) return -1;
  std::string uri;
  try {
    uri = "data:image/jpeg;base64," + base64(thumbnail_jpeg(crop_picture(*crops_, *row), kLongest));
  } catch (const DataError& error) {  // a changed byte
    if (missing_.empty()) missing_ = fmt::format("Photos are missing: {}.", error.what());
    return -1;
  }
  bytes_ += uri.size();
  pictures_.push_back(std::move(uri));
  return numbers_[*row] = static_cast<int>(pictures_.size()) - 1;
}

}  // namespace pleat
