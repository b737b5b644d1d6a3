// The functions of each format: read a file's header (for image_header.cpp) and decode the file (for photo.cpp). Also
// helpers that read numbers from bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "data_tools/photos/image_header.h"
#include "data_tools/photos/picture.h"

namespace pleat {

using FileBytes = std::span<const std::uint8_t>;

inline std::uint32_t big_endian(FileBytes bytes) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

inline std::uint32_t little_endian(FileBytes bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | bytes[i];
  return number;
}

inline bool starts_with(FileBytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

/// libheif's decoders, by its names. dav1d, its first choice for AV1, accepts damaged data and prints on the terminal;
/// libaom notices a single changed byte.
constexpr const char *kAv1Decoder = "aom", *kHevcDecoder = "libde265";

constexpr std::string_view kJpegStart = "\xFF\xD8\xFF", kPngSignature = "\x89PNG\r\n\x1A\n";
constexpr std::string_view kExifStart{"Exif\0\0", 6};  // precedes EXIF's TIFF structure

/// Read a header and do not check its size.
/// Requires: the file starts with the format's signature.
/// Throws: BadPhoto, as read_image_header.
ImageHeader read_jpeg_header(FileBytes file);
ImageHeader read_png_header(FileBytes file);
ImageHeader read_webp_header(FileBytes file);
ImageHeader read_bmp_header(FileBytes file);
ImageHeader read_tiff_header(FileBytes file);
ImageHeader read_gif_header(FileBytes file);
ImageHeader read_heic_header(FileBytes file);
ImageHeader read_avif_header(FileBytes file);

/// Return the pixels as stored, before EXIF orientation. HEIC and AVIF are turned by their own properties. Transparent
/// parts lie on white.
///   reduction: 1, 2, 4 or 8; averages that many pixels along each side, whose length is rounded up
/// Requires: read_image_header accepted the file.
/// Throws: BadPhoto if the data is damaged.
Picture decode_jpeg(FileBytes file, int reduction);
Picture decode_png(FileBytes file);
Picture decode_webp(FileBytes file);
Picture decode_bmp(FileBytes file);
Picture decode_tiff(FileBytes file);
Picture decode_gif(FileBytes file);
Picture decode_heic(FileBytes file);
Picture decode_avif(FileBytes file);

}  // namespace pleat
