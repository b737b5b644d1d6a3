#include "data_tools/photos/image_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/wording.h"
#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

bool is_riff(FileBytes file, std::string_view kind) {
  return starts_with(file, "RIFF") && file.size() >= 12 && starts_with(file.subspan(8), kind);
}

// TIFF or BigTIFF.
bool is_tiff(FileBytes file) {
  return starts_with(file, std::string_view("II*\0", 4)) || starts_with(file, std::string_view("MM\0*", 4)) ||
         starts_with(file, std::string_view("II+\0", 4)) || starts_with(file, std::string_view("MM\0+", 4));
}

// The brand distinguishes the photos and videos of phones. Two brands stand for both HEIC and AVIF; further brands tell
// them apart. Source: ISO/IEC 14496-12, 4.3.
std::optional<PhotoFormat> base_media(FileBytes file) {
  if (file.size() < 12 || !starts_with(file.subspan(4), "ftyp")) return std::nullopt;
  const FileBytes brand = file.subspan(8);
  if (starts_with(brand, "avif") || starts_with(brand, "avis")) return PhotoFormat::kAvif;
  for (const char* heic : {"heic", "heix", "heim", "heis", "hevc", "hevx"}) {
    if (starts_with(brand, heic)) return PhotoFormat::kHeic;
  }
  if (!starts_with(brand, "mif1") && !starts_with(brand, "msf1")) return std::nullopt;
  const std::size_t end = std::min<std::size_t>(big_endian(file.first(4)), file.size());
  for (std::size_t at = 16; at + 4 <= end; at += 4) {
    if (starts_with(file.subspan(at), "avif") || starts_with(file.subspan(at), "avis")) return PhotoFormat::kAvif;
  }
  return PhotoFormat::kHeic;
}

// The message names formats that do occur in folders of photos.
const char* other_format(FileBytes file) {
  struct Start {
    std::string_view bytes;
    const char* name;
  };
  constexpr std::array kStarts = {
      Start{{"\0\0\0\x0CjP  ", 8}, "JPEG 2000 photo"},
      Start{{"\0\0\0\x0CJXL ", 8}, "JPEG XL photo"},
      Start{"\xFF\x0A", "JPEG XL photo"},
      Start{"8BPS", "Photoshop document"},
      Start{"%PDF", "PDF document"},
      Start{"PK\x03\x04", "zip archive"},
  };
  for (const auto& [bytes, name] : kStarts) {
    if (starts_with(file, bytes)) return name;
  }
  return starts_with(file.subspan(std::min<std::size_t>(4, file.size())), "ftypcrx ") ? "raw photo" : nullptr;
}

bool is_text(FileBytes file) {
  const FileBytes start = file.first(std::min<std::size_t>(file.size(), 64));
  return std::all_of(start.begin(), start.end(), [](std::uint8_t byte) {
    return (byte >= 0x20 && byte != 0x7F) || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

[[noreturn]] void refuse_unknown(FileBytes file) {
  if (const char* name = other_format(file)) throw BadPhoto(fmt::format("{}; convert it to JPEG or PNG", name));
  if (starts_with(file, "version https://git-lfs")) throw BadPhoto("Git LFS pointer; run git lfs pull");
  if (file.size() >= 12 && starts_with(file.subspan(4), "ftyp")) throw BadPhoto("a video, not a photo; leave it out");
  // A failed download often leaves an error page.
  if (is_text(file)) throw BadPhoto("text, not a photo; download the photo again");
  if (std::all_of(file.begin(), file.end(), [](std::uint8_t byte) { return byte == 0; }))
    throw BadPhoto("nothing but zeros; get an intact copy");
  throw BadPhoto("not a photo; JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC and AVIF are read");
}

ImageHeader read_header(FileBytes file) {
  if (file.empty()) throw BadPhoto("empty file; get an intact copy");
  const std::optional<PhotoFormat> format = format_of(file);
  if (!format) refuse_unknown(file);
  switch (*format) {
    case PhotoFormat::kJpeg:
      return read_jpeg_header(file);
    case PhotoFormat::kPng:
      return read_png_header(file);
    case PhotoFormat::kWebp:
      return read_webp_header(file);
    case PhotoFormat::kBmp:
      return read_bmp_header(file);
    case PhotoFormat::kTiff:
      return read_tiff_header(file);
    case PhotoFormat::kGif:
      return read_gif_header(file);
    case PhotoFormat::kHeic:
      return read_heic_header(file);
    case PhotoFormat::kAvif:
      return read_avif_header(file);
  }
  throw std::logic_error("a photo format without a header");
}

}  // namespace

std::optional<PhotoFormat> format_of(FileBytes start) {
  if (starts_with(start, kJpegStart)) return PhotoFormat::kJpeg;
  if (starts_with(start, kPngSignature)) return PhotoFormat::kPng;
  if (is_riff(start, "WEBP")) return PhotoFormat::kWebp;
  if (is_tiff(start)) return PhotoFormat::kTiff;
  if (starts_with(start, "GIF87a") || starts_with(start, "GIF89a")) return PhotoFormat::kGif;
  if (const auto format = base_media(start)) return format;
  if (starts_with(start, "BM") && !is_text(start)) return PhotoFormat::kBmp;
  return std::nullopt;
}

const char* name_of(PhotoFormat format) {
  switch (format) {
    case PhotoFormat::kJpeg:
      return "JPEG";
    case PhotoFormat::kPng:
      return "PNG";
    case PhotoFormat::kWebp:
      return "WebP";
    case PhotoFormat::kBmp:
      return "BMP";
    case PhotoFormat::kTiff:
      return "TIFF";
    case PhotoFormat::kGif:
      return "GIF";
    case PhotoFormat::kHeic:
      return "HEIC";
    case PhotoFormat::kAvif:
      return "AVIF";
  }
  throw std::logic_error("a photo format without a name");
}

ImageHeader read_image_header(FileBytes bytes, std::int64_t max_pixels) {
  const ImageHeader header = read_header(bytes);
  const std::int64_t most = max_pixels > 0                        ? max_pixels
                            : header.reducible && header.streamed ? kMaxStreamed
                                                                  : kMaxDecoded;
  if (header.width < 1 || header.height < 1) throw BadPhoto("no pixels; get an intact copy");
  // Each side is checked first: a PNG may claim 2^32 - 1 for both, and their product would overflow.
  if (header.width > most || header.height > most || header.width * header.height > most) {
    throw BadPhoto(
        fmt::format("{}x{} pixels are too many, at most {} are read; shrink it, or allow more by --max-pixels",
                    header.width, header.height, grouped(most)));
  }
  if (header.cut_short) throw BadPhoto(fmt::format("{} is cut short; get an intact copy", name_of(header.format)));
  return header;
}

}  // namespace pleat
