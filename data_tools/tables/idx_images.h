// Reads the IDX files of the MNIST family, plain or gzipped. Untrusted input: all sizes are checked.
// Uses no torch headers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/crop_file.h"

namespace pleat {

struct IdxImages {
  ImageShape shape;  // channels 1
  std::size_t count = 0;
  std::vector<std::uint8_t> pixels;  // [count, height, width]

  std::span<const std::uint8_t> image(std::size_t i) const {
    return std::span(pixels).subspan(i * shape.bytes(), shape.bytes());
  }
};

/// Reads unsigned bytes of three dimensions (magic 0x00000803). A file that is not gzip is read as is.
/// Throws: DataError naming the file if it is not IDX, truncated, too long or absurdly large.
IdxImages read_idx_images(const std::filesystem::path& path);

/// Reads unsigned bytes of one dimension (magic 0x00000801). Throws: as read_idx_images.
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

}  // namespace pleat
