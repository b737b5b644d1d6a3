// What a photo's file says of itself, read before any decoder sees it: decoders accept files cut short, and allocate
// whatever size a header claims. Free of every decoder.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

namespace pleat {

/// Why a photo cannot be used, for the list of rejected ones; says what to do where the reader can do something.
struct BadPhoto : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class PhotoFormat { kJpeg, kPng, kWebp, kBmp, kTiff };

struct ImageHeader {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels as stored, before EXIF orientation
  int bits = 8;                        // per channel; of a palette: per index
  int orientation = 1;                 // EXIF's, 1 to 8; 1 (upright) where the file says nothing that can be read
};

/// Walks through the whole file, to its end marker. Throws BadPhoto if it is empty, of another format, cut short, of
/// more than 100 million pixels, or of a kind that would come out wrong (animated, 12 bits, float, several pages).
ImageHeader read_image_header(std::span<const std::uint8_t> bytes);

}  // namespace pleat
