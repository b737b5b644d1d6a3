// A photo as a viewer shows it: upright, RGB, any part of it at any size. Supported formats and kinds: docs/formats.md.
#pragma once

#include <cstdint>
#include <span>

#include "data_tools/photos/image_header.h"  // BadPhoto, name_of
#include "data_tools/photos/picture.h"

namespace pleat {

/// A part of an upright photo, in pixels; lies inside the photo.
struct PhotoBox {
  std::int64_t left = 0, top = 0, width = 0, height = 0;
};

/// A photo of any supported format in memory. Its orientation is applied, transparent parts lie on white, 16 bits
/// become 8.
/// Throws: BadPhoto if the photo is damaged, cut short, of another kind or of too many pixels.
class Photo {
 public:
  /// Reads the header. Requires: `file` outlives the photo.
  ///   max_pixels: of the photo; 0: see read_image_header
  explicit Photo(std::span<const std::uint8_t> file, std::int64_t max_pixels = 0);

  PhotoFormat format() const { return header_.format; }
  std::int64_t width() const { return is_transposed() ? header_.height : header_.width; }
  std::int64_t height() const { return is_transposed() ? header_.width : header_.height; }
  PhotoBox whole() const { return {0, 0, width(), height()}; }
  /// Requires: something was drawn.
  const PhotoNotes& notes() const { return decoded_.notes; }

  /// Draws the box at height x width pixels: averages areas where a side shrinks, interpolates linearly where it grows.
  ///   rgb: height * width * 3 bytes, interleaved
  /// A JPEG is decoded at the smallest size that suffices, and above 100 million pixels at most at a half. The pixels
  /// decoded for an earlier box are reused if they suffice.
  void draw(const PhotoBox& box, int height, int width, std::span<std::uint8_t> rgb);

 private:
  bool is_transposed() const { return header_.orientation >= 5; }
  const Picture& decoded(int reduction);

  std::span<const std::uint8_t> file_;
  ImageHeader header_;
  Picture decoded_;    // as stored, each side divided by reduction_
  int reduction_ = 0;  // 0: nothing is decoded yet
};

}  // namespace pleat
