// Reads a photo's header before a decoder sees the file: decoders accept files cut short, and allocate whatever size a
// header claims. Uses no decoder.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

namespace pleat {

/// A photo cannot be used. The message is for the list of rejected photos, with a remedy if one exists.
struct BadPhoto : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class PhotoFormat { kJpeg, kPng, kWebp, kBmp, kTiff };

struct ImageHeader {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels as stored, before EXIF orientation
  int bits = 8;                        // per channel, or per index of a palette
  int orientation = 1;                 // of EXIF, 1 to 8; 1 (upright) if absent or unreadable
};

/// Walks through the whole file, to its end marker.
/// Throws: BadPhoto if the file is empty, of another format, cut short, of more than 100 million pixels, or of a kind
/// that is not supported (animated, 12 bits, float, several pages).
ImageHeader read_image_header(std::span<const std::uint8_t> bytes);

}  // namespace pleat
