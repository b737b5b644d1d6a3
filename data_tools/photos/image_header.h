// Reads a photo's header before a decoder sees the file: decoders accept files cut short, and allocate whatever size a
// header claims. Decodes no pixel. For TIFF and HEIF, libtiff and libheif read the directory; the places of all data
// are compared with the file's size.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>

namespace pleat {

/// A photo cannot be used. The message is for the list of rejected photos, with a remedy if one exists.
struct BadPhoto : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class PhotoFormat { kJpeg, kPng, kWebp, kBmp, kTiff, kGif, kHeic, kAvif };

/// "JPEG", "PNG", …
const char* name_of(PhotoFormat format);

struct ImageHeader {
  PhotoFormat format{};
  std::int64_t width = 0, height = 0;  // pixels as decoded, before EXIF orientation
  int bits = 8;                        // per channel, or per index of a palette
  int orientation = 1;                 // of EXIF or XMP, 1 to 8; 1: upright, or none is named
  bool reducible = false;              // decodes at a half, a quarter or an eighth
  bool streamed = false;               // decodes row by row, without a copy of the whole photo
  bool cut_short = false;              // the data ends before the last pixel
};

constexpr std::int64_t kMaxDecoded = 100'000'000;    // pixels decoded of a photo, unless a larger limit is given
constexpr std::int64_t kMaxStreamed = 250'000'000;   // pixels of a photo that decodes at a fraction, row by row
constexpr std::int64_t kMaxAllowed = 2'000'000'000;  // the largest limit

/// Returns the format by the file's first bytes, none for any other file.
///   start: at least 64 bytes of the file, or the whole file
std::optional<PhotoFormat> format_of(std::span<const std::uint8_t> start);

/// Reads a photo's header and looks for the end of its data.
///   max_pixels: of the photo; 0: kMaxStreamed or kMaxDecoded
/// Throws: BadPhoto if the file is empty, of another format, cut short, of too many pixels, or of a kind that is not
/// supported (animated, 12 bits, float, several pages).
ImageHeader read_image_header(std::span<const std::uint8_t> bytes, std::int64_t max_pixels = 0);

}  // namespace pleat
