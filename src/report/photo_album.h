// The photos of a report: crops as small JPEGs, few enough for a page.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/crop_file.h"
#include "run/run_record.h"

namespace pleat {

class PhotoAlbum {
 public:
  /// Opens the run's crops, or those of `given` if it is not empty. The file must have the run's hash. A relative path
  /// in run.json is looked for from the working folder, then from the folders around the run.
  ///   record: of the run; null if unknown; run: its folder
  PhotoAlbum(const RunRecord* record, const std::filesystem::path& run, const std::filesystem::path& given);

  /// Null if the crops cannot be shown; then `missing` says why.
  const CropFile* crops() const { return crops_ ? &*crops_ : nullptr; }
  const std::string& missing() const { return missing_; }
  /// The row of the crops file; none if there is no such row, or no crops.
  std::optional<std::size_t> row_of(const std::string& id) const;

  /// Returns the number of the row's photo in pictures(), and adds it if there is room for it. -1: no photo.
  ///   share: of the album's space that may be used for it, 0 to 1
  int add(const std::string& id, double share);
  /// Data URIs of JPEGs.
  const std::vector<std::string>& pictures() const { return pictures_; }

 private:
  void open(const RunRecord* record, const std::filesystem::path& run, const std::filesystem::path& given);

  std::optional<CropFile> crops_;
  std::string missing_;
  std::unordered_map<std::string, std::size_t> rows_;
  std::map<std::size_t, int> numbers_;  // by row
  std::vector<std::string> pictures_;
  std::size_t bytes_ = 0;
};

}  // namespace pleat
