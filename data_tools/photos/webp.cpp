// Reads WebP (RFC 9649) through libwebp.
#include <webp/decode.h>

#include <new>
#include <stdexcept>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/orientation.h"

namespace pleat {
namespace {

constexpr std::uint32_t kSideMask = 0x3FFF;  // sides have 14 bits
constexpr std::uint8_t kHasXmp = 0x04, kHasExif = 0x08;

[[noreturn]] void not_decoded() { throw BadPhoto("WebP cannot be decoded (damaged); get an intact copy"); }

[[noreturn]] void broken() { throw BadPhoto("WebP with a broken header; get an intact copy"); }

void read_lossy(FileBytes frame, ImageHeader& header) {
  if (frame.size() < 10 || !starts_with(frame.subspan(3), "\x9D\x01\x2A")) broken();
  header.width = little_endian(frame.subspan(6, 2)) & kSideMask;
  header.height = little_endian(frame.subspan(8, 2)) & kSideMask;
}

void read_lossless(FileBytes frame, ImageHeader& header) {
  if (frame.size() < 5 || frame[0] != 0x2F) broken();
  const std::uint32_t bits = little_endian(frame.subspan(1, 4));
  header.width = (bits & kSideMask) + 1;
  header.height = (bits >> 14 & kSideMask) + 1;
}

// The second size in files with extras (alpha, EXIF, XMP). A decoder allocates this size.
// Returns the flags of the extras.
std::uint8_t read_canvas(FileBytes extras, ImageHeader& header) {
  if (extras.size() < 10) broken();
  header.width = little_endian(extras.subspan(4, 3)) + 1;
  header.height = little_endian(extras.subspan(7, 3)) + 1;
  return extras[0];
}

}  // namespace

ImageHeader read_webp_header(FileBytes file) {
  const std::size_t end = std::size_t{8} + little_endian(file.subspan(4, 4));
  if (end > file.size()) throw BadPhoto("WebP is cut short; get an intact copy");
  ImageHeader header{.format = PhotoFormat::kWebp};
  ImageHeader canvas;
  bool picture = false;
  std::uint8_t extras = 0;
  FileBytes exif, xmp;  // the first of each counts, if the flags announce it
  for (std::size_t at = 12; at + 8 <= end;) {
    const FileBytes type = file.subspan(at, 4);
    const std::size_t length = little_endian(file.subspan(at + 4, 4));
    if (length > end - at - 8) throw BadPhoto("WebP is cut short; get an intact copy");
    const FileBytes data = file.subspan(at + 8, length);
    if (starts_with(type, "ANIM") || starts_with(type, "ANMF"))
      throw BadPhoto("animated WebP; save one of its pictures as JPEG or PNG");
    if (starts_with(type, "VP8X")) extras = read_canvas(data, canvas);
    const bool lossy = starts_with(type, "VP8 ");
    if (lossy || starts_with(type, "VP8L")) {
      if (picture) broken();  // a decoder uses the first picture and its size
      (lossy ? read_lossy : read_lossless)(data, header);
      picture = true;
    }
    if (starts_with(type, "EXIF") && (extras & kHasExif) != 0 && exif.empty()) exif = data;
    if (starts_with(type, "XMP ") && (extras & kHasXmp) != 0 && xmp.empty()) xmp = data;
    at += 8 + length + length % 2;
  }
  if (!picture) throw BadPhoto("WebP without a picture; get an intact copy");
  if (canvas.width > 0 && (canvas.width != header.width || canvas.height != header.height)) broken();
  header.orientation = orientation_of(exif, xmp);
  return header;
}

Picture decode_webp(FileBytes file) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) throw std::logic_error("another libwebp than pleat was built with");
  if (WebPGetFeatures(file.data(), file.size(), &config.input) != VP8_STATUS_OK) not_decoded();
  const int channels = config.input.has_alpha ? 4 : 3;
  Picture picture = new_picture(std::size_t(config.input.width), std::size_t(config.input.height), channels);
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {picture.values.data(), static_cast<int>(picture.row_values()), picture.values.size()};
  const VP8StatusCode status = WebPDecode(file.data(), file.size(), &config);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status != VP8_STATUS_OK) not_decoded();
  lay_on_white(picture);
  return picture;
}

}  // namespace pleat
