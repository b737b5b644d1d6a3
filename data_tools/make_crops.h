// From photos or IDX files to crops.h5: rows are shared out over ranks and threads, the file appears whole or not at
// all.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/ranks.h"
#include "data/crop_file.h"
#include "data_tools/crop_maker.h"
#include "data_tools/photo_tally.h"

namespace pleat {

struct MakeCropsOptions {
  std::filesystem::path out;
  std::vector<std::filesystem::path> read;  // files that `out` must not replace
  std::string default_split = "train";      // of rows whose split the table leaves out
  bool skip_bad = false;                    // leave broken photos out and list them in `rejected`
  std::filesystem::path rejected;           // empty: rejected.csv beside `out`
  int threads = 1;                          // of this rank
  /// Told how many of this rank's rows are done; from many threads.
  std::function<void(std::size_t done, std::size_t total)> progress = [](std::size_t, std::size_t) {};
};

struct RejectedPhoto {
  std::size_t row = 0;
  std::string reason;
};

struct MadeCrops {
  std::size_t rows = 0;
  ImageShape shape;
  std::vector<RejectedPhoto> rejected;  // of all ranks, by row
  PhotoTally photos;                    // of all ranks; empty for IDX files
};

/// Makes the crops of all photos of a table. Every rank must call it, with the same arguments; each gets the same
/// answer. A missing `split` column, or an empty value in it, becomes the default. Throws DataError, on every rank
/// alike and leaving no output: broken photos (all are listed up to a screenful, unless skip_bad), no usable photo at
/// all, an unknown split, a folder or face detector that is not there, a full disk.
MadeCrops make_photo_crops(SampleTable table, const std::filesystem::path& images, const CropOptions& crop,
                           const MakeCropsOptions& options, const Ranks& ranks);

/// Where photos that were left out are listed.
std::filesystem::path rejected_list(const MakeCropsOptions& options);

struct IdxFiles {
  std::filesystem::path images, labels;
  std::filesystem::path test_images, test_labels;  // empty: there are none
};

/// Packs IDX images at their own size, with the columns id (train-0 …, test-0 …), path (empty), label and split.
/// Ranks and errors as above.
MadeCrops make_idx_crops(const IdxFiles& files, const MakeCropsOptions& options, const Ranks& ranks);

}  // namespace pleat
