// Reads the header of a PNG. Source: ISO/IEC 15948 (PNG, third edition).
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <vector>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/orientation.h"

namespace pleat {
namespace {

using Text = std::vector<std::uint8_t>;

constexpr std::size_t kMaxText = 1 << 20;  // bytes of an unpacked text, as in Pillow
constexpr std::string_view kRawExif = "Raw profile type exif", kXmp = "XML:com.adobe.xmp", kExif = "exif";

// Checks the chunks that libpng skips with a mere warning or does not read. libpng checks all others.
void check_sum(FileBytes type_and_data, FileBytes expected) {
  const auto sum = ::crc32_z(0, type_and_data.data(), type_and_data.size());
  if (sum == big_endian(expected)) return;
  const std::string_view name(reinterpret_cast<const char*>(type_and_data.data()), 4);
  throw BadPhoto(fmt::format("PNG is damaged (chunk {} has the wrong checksum); get an intact copy", name));
}

// Returns the text as far as it can be unpacked; none if it is too long.
Text unpacked(FileBytes packed) {
  Text text(kMaxText + 1);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = text.data();
  stream.avail_out = static_cast<uInt>(text.size());
  inflate(&stream, Z_SYNC_FLUSH);
  text.resize(stream.avail_out > 0 ? text.size() - stream.avail_out : 0);
  inflateEnd(&stream);
  return text;
}

// Splits at the next zero; the part after it stays in `rest`. Returns nothing if there is no zero.
FileBytes cut_at_zero(FileBytes& rest) {
  const auto zero = std::find(rest.begin(), rest.end(), 0);
  if (zero == rest.end()) return {};
  const FileBytes before(rest.begin(), zero);
  rest = rest.subspan(before.size() + 1);
  return before;
}

// A tEXt, zTXt or iTXt chunk after its keyword.
struct TextChunk {
  std::string_view type;
  FileBytes rest;
};

// Unpacks the text. Called for the last chunk of a keyword alone: a file may have thousands.
Text text_of(TextChunk chunk) {
  auto& [type, rest] = chunk;
  bool is_packed = type == "zTXt";
  if (type == "iTXt") {
    if (rest.size() < 2) return {};
    is_packed = rest[0] != 0;
    rest = rest.subspan(2);
    cut_at_zero(rest);  // language
    cut_at_zero(rest);  // translated keyword
  } else if (is_packed) {
    rest = rest.subspan(std::min<std::size_t>(1, rest.size()));  // method
  }
  return is_packed ? unpacked(rest) : Text(rest.begin(), rest.end());
}

class PngWalk {
 public:
  explicit PngWalk(FileBytes file) : file_(file) {}

  ImageHeader run() {
    std::size_t at = kPngSignature.size();
    while (file_.size() - at >= 12) {  // length, type, checksum
      const std::size_t length = big_endian(file_.subspan(at, 4));
      if (length > file_.size() - at - 12) break;
      if (read_chunk(file_.subspan(at + 4, length + 4), file_.subspan(at + 8 + length, 4))) return finished();
      at += length + 12;
    }
    throw BadPhoto("PNG is cut short (no end chunk); get an intact copy");
  }

 private:
  // Returns whether the chunk is the last one.
  bool read_chunk(FileBytes type_and_data, FileBytes sum) {
    const std::string_view type(reinterpret_cast<const char*>(type_and_data.data()), 4);
    const FileBytes data = type_and_data.subspan(4);
    if ((type == "IHDR") == begun_)  // must be the first chunk and no other: a decoder uses the first
      throw BadPhoto("PNG with a broken header; get an intact copy");
    if (!begun_) read_size(data);
    if (type == "tRNS" || type == "eXIf") check_sum(type_and_data, sum);
    if (type == "eXIf") exif_ = {"tEXt", data};  // the bytes as they are
    if (type == "tEXt" || type == "zTXt" || type == "iTXt") read_text(type_and_data, sum);
    return type == "IEND";
  }

  void read_size(FileBytes data) {
    if (data.size() != 13) throw BadPhoto("PNG with a broken header; get an intact copy");
    begun_ = true;
    header_.width = big_endian(data.subspan(0, 4));
    header_.height = big_endian(data.subspan(4, 4));
    header_.bits = data[8];
  }

  // Keeps only texts that may hold an orientation.
  void read_text(FileBytes type_and_data, FileBytes sum) {
    const std::string_view type(reinterpret_cast<const char*>(type_and_data.data()), 4);
    FileBytes rest = type_and_data.subspan(4);
    const FileBytes before = cut_at_zero(rest);
    const std::string_view keyword(reinterpret_cast<const char*>(before.data()), before.size());
    TextChunk* const place = keyword == kRawExif                  ? &raw_exif_
                             : keyword == kXmp                    ? &xmp_
                             : keyword == kExif && type == "tEXt" ? &exif_
                                                                  : nullptr;
    if (place == nullptr) return;
    check_sum(type_and_data, sum);
    *place = {type, rest};
  }

  ImageHeader finished() {
    Text exif = text_of(exif_);
    if (exif.empty()) {
      const Text raw = text_of(raw_exif_);
      exif = raw_profile({reinterpret_cast<const char*>(raw.data()), raw.size()});
    }
    header_.orientation = orientation_of(exif, text_of(xmp_));
    return header_;
  }

  FileBytes file_;
  ImageHeader header_{.format = PhotoFormat::kPng};
  bool begun_ = false;
  TextChunk exif_, raw_exif_, xmp_;  // the last of each counts
};

}  // namespace

ImageHeader read_png_header(FileBytes file) { return PngWalk(file).run(); }

}  // namespace pleat
