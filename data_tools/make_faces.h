// A folder of drawn faces in the layout of the mask-image contest: data of any size with known truth, for trying out
// and testing what a real photo set would be needed for. Free of OpenCV. Layout: docs/formats.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace pleat {

struct MakeFacesOptions {
  std::filesystem::path out;    // the folder to make; it may be there if it is empty
  std::int64_t persons = 0;     // of seven photos each; 1 to 999,999
  std::int64_t unlabelled = 0;  // further photos, of further persons; 0 to 6,999,993
  double label_noise = 0.01;    // 0 to 0.5: probability of a wrong gender, of a wrong age class, of a wrong mask label
  std::uint64_t seed = 1;
  int threads = 1;
  /// Told how many photos are drawn; from many threads.
  std::function<void(std::size_t done, std::size_t total)> progress = [](std::size_t, std::size_t) {};
};

struct MadeFaces {
  std::size_t persons = 0, photos = 0;                             // all of them, unlabelled ones too
  std::size_t wrong_genders = 0, wrong_ages = 0, wrong_masks = 0;  // persons, persons, photos of the labelled part
};

/// How many photos that will be, of options within their bounds.
std::size_t photos_of(const MakeFacesOptions& options);

/// The folder appears whole or not at all, and is the same for the same options, whatever the threads. Throws
/// UsageError for a number out of its bounds, DataError if `out` is there and not an empty folder, or if it cannot be
/// written, StopRequested.
MadeFaces make_faces(const MakeFacesOptions& options);

}  // namespace pleat
