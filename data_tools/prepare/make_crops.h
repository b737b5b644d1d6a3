// Makes crops.h5 from photos or IDX files. Ranks and threads share the rows. The file appears complete or not at all.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/ranks.h"
#include "data/crop_file.h"
#include "data_tools/prepare/crop_maker.h"
#include "data_tools/prepare/photo_tally.h"

namespace pleat {

struct MakeCropsOptions {
  std::filesystem::path out;
  std::vector<std::filesystem::path> read;  // input files that `out` must not overwrite
  std::string default_split = "train";      // for rows without a split in the table
  bool skip_bad = false;                    // leave broken photos out and list them beside the result
  std::filesystem::path result;             // file that messages name instead of `out`; empty: `out`
  int threads = 1;                          // of this rank
  /// Called with the number of this rank's rows that are done; from many threads.
  std::function<void(std::size_t done, std::size_t total)> progress = [](std::size_t, std::size_t) {};
};

struct RejectedPhoto {
  std::size_t row = 0;
  std::string reason;
  static constexpr auto members() { return std::tuple{&RejectedPhoto::row, &RejectedPhoto::reason}; }
};

struct MadeCrops {
  std::size_t rows = 0;
  ImageShape shape;
  std::vector<RejectedPhoto> rejected;  // of all ranks, by row
  std::string advice;                   // on missing photos, one sentence (advice_on_missing); on rank 0
  PhotoTally photos;                    // of all ranks; empty for IDX files
};

/// Makes the crops of all photos of a table. A missing `split` column, or an empty value in it, becomes the default.
/// Collective: every rank calls it with the same arguments and gets the same result.
/// Throws: DataError on every rank, leaving no output: broken photos (unless skip_bad; a screenful is listed), no
/// usable photo at all, an unknown split, a missing folder or face detector, a full disk.
MadeCrops make_photo_crops(SampleTable table, const std::filesystem::path& images, const CropOptions& crop,
                           const MakeCropsOptions& options, const Ranks& ranks);

/// Returns the path of the list of rejected photos: beside the result (side_file).
std::filesystem::path rejected_list(const MakeCropsOptions& options);

struct IdxFiles {
  std::filesystem::path images, labels;
  std::filesystem::path test_images, test_labels;  // empty: none
};

/// Packs IDX images at their own size, with the columns id (train-0 …, test-0 …), path (empty), label and split.
/// Collective and throws, as make_photo_crops.
MadeCrops make_idx_crops(const IdxFiles& files, const MakeCropsOptions& options, const Ranks& ranks);

}  // namespace pleat
