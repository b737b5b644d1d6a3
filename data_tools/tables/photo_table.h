// Makes a table of all photos in a folder and below it, for photos without a table. Does not use OpenCV.
#pragma once

#include <filesystem>

#include "data/sample_table.h"
#include "data_tools/tables/photo_walk.h"

namespace pleat {

struct PhotoTable {
  SampleTable samples;  // id and path: the photo's path below the folder
  LeftOut left_out;
};

/// Sorted by path, folder by folder.
///   flag: of the folder, for errors
/// Throws: DataError that lists up to a screenful of problems (PhotoWalk), or if there is no photo.
PhotoTable table_of_photos(const std::filesystem::path& images, const char* flag);

}  // namespace pleat
