// A photo as a viewer shows it: upright, RGB, any part of it at any size. What each format and kind comes out as, or
// why it is refused: docs/formats.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data_tools/image_header.h"  // BadPhoto
#include "data_tools/picture.h"

namespace pleat {

/// A part of an upright photo, in its pixels, inside it.
struct PhotoBox {
  std::int64_t left = 0, top = 0, width = 0, height = 0;
};

/// A JPEG, PNG, WebP, BMP or TIFF in memory. EXIF orientation is applied, transparent parts lie on white, 16 bits
/// become 8. Its functions throw BadPhoto if the photo cannot be used: damaged, cut short, of another kind, of more
/// than 100 million pixels.
class Photo {
 public:
  /// Reads the header; `file` must outlive the photo.
  explicit Photo(std::span<const std::uint8_t> file);

  PhotoFormat format() const { return header_.format; }
  std::int64_t width() const { return is_transposed() ? header_.height : header_.width; }
  std::int64_t height() const { return is_transposed() ? header_.width : header_.height; }
  PhotoBox whole() const { return {0, 0, width(), height()}; }

  /// The box at height x width pixels: averaged over areas, interpolated linearly where a side is larger than the
  /// box's.
  ///   rgb: height * width * 3 bytes, interleaved
  /// A JPEG is decoded at as little as that size needs; what was decoded for an earlier box is used again if it
  /// suffices.
  void draw(const PhotoBox& box, int height, int width, std::span<std::uint8_t> rgb);

 private:
  bool is_transposed() const { return header_.orientation >= 5; }
  const Picture& decoded(int reduction);

  std::span<const std::uint8_t> file_;
  ImageHeader header_;
  Picture decoded_;    // as stored, each side divided by reduction_
  int reduction_ = 0;  // 0: nothing is decoded yet
};

/// "JPEG", "PNG", …
const char* name_of(PhotoFormat format);

/// Names and versions of the libraries that pixels depend on.
std::string decoder_names();

}  // namespace pleat
