// From a photo to its crop: what of it is shown, and what is hidden. How a crop was made stands in crops.h5, and new
// photos are prepared by that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "data/crop_file.h"  // Provenance
#include "data_tools/face_finder.h"
#include "data_tools/photo.h"

namespace pleat {

enum class CropMode {
  kNone,    // the whole photo, stretched to the size
  kCenter,  // the largest centred box of the size's shape
  kFace,    // the largest face with a margin; where none is found, as kCenter
};

constexpr double kFaceMargin = 0.4;

struct CropOptions {
  int height = 64, width = 64;  // pixels
  CropMode crop = CropMode::kNone;
  double face_margin = kFaceMargin;  // beyond the face, on each side, in its width or height
  bool remove_background = false;  // it turns gray (128): by masks, else around the face; where none is found it stays
  std::filesystem::path detector;  // of faces; empty: default_face_detector()
  std::filesystem::path masks;     // folder with a mask for each photo; empty: there are none

  bool seeks_faces() const { return crop == CropMode::kFace || (remove_background && masks.empty()); }
};

/// What a photo was.
struct CropFacts {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels, upright
  bool face_missed = false;            // one was sought and not found
};

/// Safe from many threads.
class CropMaker {
 public:
  /// Throws DataError if a detector is needed and cannot be used.
  explicit CropMaker(const CropOptions& options);

  /// Makes the crop: height * width * 3 bytes, RGB interleaved.
  ///   file: the photo's bytes; path: below the image folder, for its mask: the same below `masks`, ending in .png
  /// Throws BadPhoto if the photo cannot be used, or if its mask is not there or of another size.
  CropFacts make(std::span<const std::uint8_t> file, const std::filesystem::path& path,
                 std::span<std::uint8_t> crop) const;

  /// What crops depend on, for crops.h5.
  Provenance provenance() const;

 private:
  std::optional<PhotoBox> find_face(Photo& photo) const;
  std::optional<FaceBox> largest_face(const Picture& picture) const;
  PhotoBox shown_part(const Photo& photo, const std::optional<PhotoBox>& face) const;

  CropOptions options_;
  std::string detector_name_;  // and what tells its content; empty: none is needed
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<FaceFinder>> idle_;  // one per thread comes to be
};

/// The options that give crops of this provenance. Where the detector and the masks are is not in it. Throws DataError
/// if it is not of photos, or not of this program's; UsageError if the detector, or the default one, is another than
/// theirs, if masks are needed and not given, or if either is given in vain.
CropOptions crop_options_of(const Provenance& provenance, const std::filesystem::path& detector,
                            const std::filesystem::path& masks);

/// The largest box of the shape height : width in the middle of a photo.
PhotoBox centered_box(const Photo& photo, int height, int width);

/// The box of the shape height : width around a face and its margins, moved into the photo or, where it is too large,
/// the largest that fits.
PhotoBox box_around(const PhotoBox& face, double margin, const Photo& photo, int height, int width);

}  // namespace pleat
