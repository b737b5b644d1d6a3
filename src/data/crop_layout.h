// Reads the offsets of everything in crops.h5 through HDF5, and checks them. Writers and readers then access the bytes
// directly. Shared by crop_writer.cpp and crop_reader.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

struct Extent {
  std::uint64_t offset = 0, bytes = 0;
};

struct ColumnLayout {
  std::string name;
  std::size_t width = 0;  // bytes per value, NUL-padded
  std::uint32_t crc32 = 0;
  Extent at;
};

struct CropLayout {
  ImageShape shape;
  std::size_t rows = 0;
  Extent images, valid, crc32;
  std::vector<ColumnLayout> columns;
  Provenance provenance;
  std::uint64_t file_bytes = 0;
};

/// Throws: DataError if the file is not one of pleat's, damaged, newer than this program, or holds anything forbidden:
/// other types, ranks or layouts, external or soft links, filters, extents beyond its end.
CropLayout read_crop_layout(const std::filesystem::path& path);

}  // namespace pleat
