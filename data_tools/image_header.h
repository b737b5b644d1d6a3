// What a JPEG or PNG says of itself, read before any decoder sees it: decoders accept files cut short, and allocate
// whatever size a header claims. Free of OpenCV.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

namespace pleat {

/// Why a photo cannot be used, for the list of rejected ones; says what to do where the reader can do something.
struct BadPhoto : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class PhotoFormat { kJpeg, kPng };

struct ImageHeader {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels, before EXIF orientation
  int bits = 8;                        // per channel
  bool alpha = false;
};

/// Walks through the whole file, to its end marker. Throws BadPhoto if it is empty, of another format, cut short, or of
/// a kind that would come out with wrong colours (CMYK, 12 bits).
ImageHeader read_image_header(std::span<const std::uint8_t> bytes);

}  // namespace pleat
