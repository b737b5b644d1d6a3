#include "data_tools/image_header.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

namespace pleat {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint32_t big_endian(Bytes bytes) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

// ---- JPEG: ISO/IEC 10918-1, annex B ----

constexpr std::uint8_t kStartOfScan = 0xDA, kEndOfImage = 0xD9;

[[noreturn]] void jpeg_cut_short() { throw BadPhoto("JPEG is cut short (no end-of-image marker)"); }

bool has_no_segment(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8); }

bool is_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Coded data runs to the next marker that is neither a stuffed zero nor a restart.
std::size_t skip_coded_data(Bytes file, std::size_t at) {
  while (at + 1 < file.size()) {
    const void* found = std::memchr(file.data() + at, 0xFF, file.size() - at - 1);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file.data());
    const std::uint8_t next = file[at + 1];
    if (next != 0x00 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
    at += next == 0xFF ? 1 : 2;
  }
  jpeg_cut_short();
}

void read_frame(Bytes segment, ImageHeader& header) {
  if (segment.size() < 6) throw BadPhoto("JPEG with a broken frame header");
  header.bits = segment[0];
  header.height = big_endian(segment.subspan(1, 2));
  header.width = big_endian(segment.subspan(3, 2));
  const int channels = segment[5];
  if (header.bits != 8)
    throw BadPhoto(fmt::format("JPEG with {} bits per channel, expected 8; convert it", header.bits));
  if (channels == 4) throw BadPhoto("JPEG in CMYK colours; convert it to RGB");
  if (channels != 1 && channels != 3) throw BadPhoto(fmt::format("JPEG with {} channels, expected 1 or 3", channels));
}

ImageHeader read_jpeg(Bytes file) {
  ImageHeader header{.format = PhotoFormat::kJpeg};
  std::size_t at = 2;  // behind the start marker
  while (at + 1 < file.size()) {
    if (file[at] != 0xFF) throw BadPhoto(fmt::format("JPEG is damaged at byte {} (a marker was expected)", at));
    const std::uint8_t marker = file[at + 1];
    if (marker == 0xFF) {  // padding
      ++at;
      continue;
    }
    at += 2;
    if (marker == kEndOfImage) {
      if (header.width == 0 || header.height == 0) throw BadPhoto("JPEG without a picture");
      return header;
    }
    if (has_no_segment(marker)) continue;
    if (at + 2 > file.size()) jpeg_cut_short();
    const std::size_t length = big_endian(file.subspan(at, 2));
    if (length < 2) throw BadPhoto(fmt::format("JPEG is damaged at byte {} (a segment of {} bytes)", at, length));
    if (length > file.size() - at) jpeg_cut_short();
    if (is_frame(marker)) read_frame(file.subspan(at + 2, length - 2), header);
    at += length;
    if (marker == kStartOfScan) at = skip_coded_data(file, at);
  }
  jpeg_cut_short();
}

// ---- PNG: ISO/IEC 15948 ----

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

ImageHeader read_png(Bytes file) {
  ImageHeader header{.format = PhotoFormat::kPng};
  std::size_t at = kPngSignature.size();
  while (file.size() - at >= 12) {  // length, type, checksum
    const std::size_t length = big_endian(file.subspan(at, 4));
    if (length > file.size() - at - 12) break;
    const Bytes type = file.subspan(at + 4), data = file.subspan(at + 8, length);
    if (starts_with(type, "IHDR")) {
      if (length != 13) throw BadPhoto("PNG with a broken header");
      header.width = big_endian(data.subspan(0, 4));
      header.height = big_endian(data.subspan(4, 4));
      header.bits = data[8];
      header.alpha = (data[9] & 4) != 0;
    } else if (starts_with(type, "tRNS")) {
      header.alpha = true;
    } else if (starts_with(type, "IEND")) {
      if (header.width == 0 || header.height == 0) throw BadPhoto("PNG without a picture");
      return header;
    }
    at += length + 12;
  }
  throw BadPhoto("PNG is cut short (no end chunk)");
}

// Worth a name in the message: these do come up in folders of photos.
const char* other_format(Bytes file) {
  if (starts_with(file, "GIF8")) return "GIF";
  if (starts_with(file, "BM")) return "BMP";
  if (starts_with(file, std::string_view("II*\0", 4)) || starts_with(file, std::string_view("MM\0*", 4))) return "TIFF";
  if (starts_with(file, "RIFF") && file.size() >= 12 && starts_with(file.subspan(8), "WEBP")) return "WebP";
  if (file.size() >= 12 && starts_with(file.subspan(4), "ftyp")) return "HEIC or AVIF";
  return nullptr;
}

}  // namespace

ImageHeader read_image_header(Bytes bytes) {
  if (bytes.empty()) throw BadPhoto("empty file");
  if (starts_with(bytes, "\xFF\xD8\xFF")) return read_jpeg(bytes);
  if (starts_with(bytes, kPngSignature)) return read_png(bytes);
  if (const char* name = other_format(bytes)) throw BadPhoto(fmt::format("{} file; convert it to JPEG or PNG", name));
  throw BadPhoto("neither JPEG nor PNG");
}

}  // namespace pleat
