// Makes a folder of synthetic faces in the layout of the mask-image contest: data of any size with known truth, for
// trials and tests that would need a real photo set. Includes no OpenCV header. Layout: docs/formats.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace pleat {

struct MakeFacesOptions {
  std::filesystem::path out;    // the folder to make; must be missing or empty
  std::int64_t persons = 0;     // with seven photos each; 1 to 999,999
  std::int64_t unlabelled = 0;  // further photos, of further persons; 0 to 6,999,993
  double label_noise = 0.01;    // 0 to 0.5: probability of a wrong gender, of a wrong age class, of a wrong mask label
  std::uint64_t seed = 1;
  int threads = 1;
  /// Called with the number of photos drawn; from many threads.
  std::function<void(std::size_t done, std::size_t total)> progress = [](std::size_t, std::size_t) {};
};

struct MadeFaces {
  std::size_t persons = 0, photos = 0;                             // unlabelled ones included
  std::size_t wrong_genders = 0, wrong_ages = 0, wrong_masks = 0;  // of the labelled part: persons, persons, photos
};

/// Returns the number of photos to draw. Requires: options within their bounds.
std::size_t photos_of(const MakeFacesOptions& options);

/// Makes the folder, complete or not at all. Reproducible: the same options give the same folder for any `threads`.
/// Throws: UsageError for a number out of bounds.
/// Throws: DataError if `out` exists and is not an empty folder, or cannot be written.
/// Throws: StopRequested.
MadeFaces make_faces(const MakeFacesOptions& options);

}  // namespace pleat
