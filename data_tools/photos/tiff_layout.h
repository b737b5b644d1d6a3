// Reads the kind and the layout of a TIFF's picture. Refuses the kinds that are not read.
#pragma once

#include <cstdint>
#include <string>

#include "data_tools/photos/tiff_file.h"

namespace pleat {

struct TiffLayout {
  std::uint32_t width = 0, height = 0;
  std::uint32_t block_width = 0, block_height = 0;  // a tile, or a strip
  std::uint16_t bits = 8, samples = 1, photometric = 0, compression = 1;
  std::uint16_t extra = EXTRASAMPLE_UNSPECIFIED;  // meaning of the sample after the colours
  int colours = 1;
  bool tiled = false, planar = false;  // planar: each channel in blocks of its own

  bool is_deflated() const { return compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_DEFLATE; }
  /// Whether the samples are gray or RGB as they stand.
  bool is_plain() const { return bits >= 8 && photometric <= PHOTOMETRIC_RGB; }
};

/// Reads the current directory.
/// Throws: BadPhoto, by name, for a kind that is not read.
TiffLayout read_layout(const TiffFile& tiff);

/// Throws: BadPhoto "TIFF <what>; …".
[[noreturn]] void refuse_tiff(const std::string& what);

}  // namespace pleat
