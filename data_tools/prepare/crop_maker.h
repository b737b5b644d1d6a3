// Makes a crop from a photo: selects the visible part and hides the background. crops.h5 records the options, so that
// new photos are prepared the same way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "data/crop_file.h"  // Provenance
#include "data_tools/photos/photo.h"
#include "data_tools/prepare/face_finder.h"

namespace pleat {

enum class CropMode {
  kNone,    // the whole photo, stretched to the size
  kCenter,  // the largest centred box with the crop's aspect ratio
  kFace,    // the largest face with a margin; if none is found, as kCenter
};

constexpr double kFaceMargin = 0.4;

struct CropOptions {
  int height = 64, width = 64;  // pixels
  CropMode crop = CropMode::kNone;
  double face_margin = kFaceMargin;  // on each side of the face, in face widths or heights
  bool remove_background = false;    // turned gray (128) by masks, else around the face; stays if no face is found
  std::filesystem::path detector;    // for faces; empty: default_face_detector()
  std::filesystem::path masks;       // folder with a mask for each photo; empty: no masks
  std::int64_t max_pixels = 0;       // of a photo; 0: see read_image_header

  bool seeks_faces() const { return crop == CropMode::kFace || (remove_background && masks.empty()); }
};

/// The properties of a photo.
struct CropFacts {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels, upright
  bool face_missed = false;            // searched for, but not found
  PhotoNotes notes;
};

/// Thread-safe.
class CropMaker {
 public:
  /// Throws: DataError if a detector is needed and cannot be used.
  explicit CropMaker(const CropOptions& options);

  /// Makes the crop: height * width * 3 bytes, RGB interleaved.
  ///   file: the photo's bytes
  ///   path: of the photo below the image folder; its mask has the same path below `masks`, but ends in .png
  /// Throws: BadPhoto if the photo cannot be used, or if its mask is missing or of another size.
  CropFacts make(std::span<const std::uint8_t> file, const std::filesystem::path& path,
                 std::span<std::uint8_t> crop) const;

  /// Everything that the crops depend on, for crops.h5.
  Provenance provenance() const;

 private:
  std::optional<PhotoBox> find_face(Photo& photo) const;
  std::optional<FaceBox> largest_face(const Picture& picture) const;
  PhotoBox shown_part(const Photo& photo, const std::optional<PhotoBox>& face) const;

  CropOptions options_;
  std::string detector_name_;  // file name and content hash; empty: no detector
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<FaceFinder>> idle_;  // at most one per thread
};

/// Returns the options that make crops of this provenance, with the paths `detector` and `masks`.
/// Throws: DataError if the crops were not made from photos, or not by this program.
/// Throws: UsageError if the detector (or the default one) is not the crops' own, if masks are missing, or if either is
/// given but not needed.
CropOptions crop_options_of(const Provenance& provenance, const std::filesystem::path& detector,
                            const std::filesystem::path& masks);

/// Returns the largest centred box of a photo with the aspect ratio height : width.
PhotoBox centered_box(const Photo& photo, int height, int width);

/// Returns the box with the aspect ratio height : width around a face and its margins, moved into the photo. A box that
/// is too large becomes the largest that fits.
PhotoBox box_around(const PhotoBox& face, double margin, const Photo& photo, int height, int width);

}  // namespace pleat
