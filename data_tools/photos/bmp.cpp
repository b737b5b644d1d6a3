// Reads BMP: a file header, an information header of varying length, an optional palette, rows padded to four bytes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

constexpr std::size_t kFileHeader = 14, kShortest = 40;  // bytes
constexpr std::uint32_t kPlain = 0, kMasks = 3;          // compression codes

struct BmpFields {
  std::size_t data = 0, header = 0;  // offset of the rows; bytes of the information header
  std::int64_t width = 0, height = 0;
  int bits = 0;
  std::uint32_t compression = 0, colours = 0;  // colours: entries of the palette
  bool top_down = false;
  std::array<int, 4> byte_of = {2, 1, 0, -1};  // byte of red, green, blue and alpha in a pixel; -1: absent

  bool has_alpha() const { return byte_of[3] >= 0; }
  std::int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }
};

// The bit masks of red, green, blue and, in a longer header, alpha follow the first 40 bytes.
void read_masks(FileBytes file, BmpFields& fields) {
  const std::size_t count = fields.header >= kShortest + 16 ? 4 : 3;
  const FileBytes masks = file.subspan(kFileHeader + kShortest);
  if (masks.size() < 4 * count) throw BadPhoto("BMP is cut short; get an intact copy");
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t mask = little_endian(masks.subspan(4 * i, 4));
    constexpr std::array kBytes = {0xFFU, 0xFF00U, 0xFF0000U, 0xFF000000U};
    const auto found = std::find(kBytes.begin(), kBytes.end(), mask);
    if (found == kBytes.end() && (i < 3 || mask != 0)) throw BadPhoto("BMP with unusual channels; save it as PNG");
    fields.byte_of[i] = found == kBytes.end() ? -1 : static_cast<int>(found - kBytes.begin());
  }
}

void check_kind(const BmpFields& fields) {
  if (fields.compression != kPlain && (fields.compression != kMasks || fields.bits != 32))
    throw BadPhoto(fmt::format("BMP of {} bits with compression {}; save it as PNG", fields.bits, fields.compression));
  for (const int bits : {1, 4, 8, 24, 32}) {
    if (fields.bits == bits) return;
  }
  throw BadPhoto(fmt::format("BMP of {} bits, expected 1, 4, 8, 24 or 32; save it as PNG", fields.bits));
}

BmpFields read_fields(FileBytes file) {
  if (file.size() < kFileHeader + kShortest) throw BadPhoto("BMP is cut short; get an intact copy");
  const FileBytes info = file.subspan(kFileHeader);
  BmpFields fields{.data = little_endian(file.subspan(10, 4)), .header = little_endian(info.first(4))};
  if (fields.header < kShortest || fields.header > file.size() - kFileHeader)
    throw BadPhoto(fmt::format("BMP with a header of {} bytes; save it again as PNG", fields.header));
  fields.width = static_cast<std::int32_t>(little_endian(info.subspan(4, 4)));
  const std::int64_t height = static_cast<std::int32_t>(little_endian(info.subspan(8, 4)));
  fields.top_down = height < 0;
  fields.height = std::abs(height);
  fields.bits = static_cast<int>(little_endian(info.subspan(14, 2)));
  fields.compression = little_endian(info.subspan(16, 4));
  fields.colours = little_endian(info.subspan(32, 4));
  if (fields.colours == 0 && fields.bits <= 8) fields.colours = 1U << fields.bits;
  check_kind(fields);
  if (fields.compression == kMasks) read_masks(file, fields);
  return fields;
}

FileBytes palette_of(FileBytes file, const BmpFields& fields) {
  const FileBytes rest = file.subspan(kFileHeader + fields.header);
  if (fields.colours > 1U << fields.bits) throw BadPhoto("BMP with a broken palette; get an intact copy");
  if (rest.size() < 4 * fields.colours) throw BadPhoto("BMP is cut short; get an intact copy");
  return rest.first(4 * fields.colours);
}

// A pixel is stored as its own bytes or as an index into the palette.
void decode_row(const std::uint8_t* row, const BmpFields& fields, FileBytes palette, std::uint8_t* to) {
  for (int x = 0; x < static_cast<int>(fields.width); ++x) {
    const std::uint8_t* pixel = row + x * (fields.bits / 8);
    if (fields.bits <= 8) {
      const int bit = x * fields.bits, mask = (1 << fields.bits) - 1;
      const std::size_t index = static_cast<std::size_t>(row[bit / 8] >> (8 - fields.bits - bit % 8) & mask);
      if (4 * index >= palette.size()) throw BadPhoto("BMP with colours that its palette lacks; get an intact copy");
      pixel = palette.data() + 4 * index;
    }
    for (const int byte : fields.byte_of) {
      if (byte >= 0) *to++ = pixel[byte];
    }
  }
}

// Some screenshot programs write alpha 0 everywhere. Such a picture is meant to be opaque.
void drop_absent_alpha(Picture& picture) {
  for (std::size_t i = 3; i < picture.values.size(); i += 4) {
    if (picture.values[i] != 0) return;
  }
  for (std::size_t i = 3; i < picture.values.size(); i += 4) picture.values[i] = 255;
}

}  // namespace

ImageHeader read_bmp_header(FileBytes file) {
  const BmpFields fields = read_fields(file);
  if (fields.bits <= 8) palette_of(file, fields);
  const std::int64_t row = fields.row_bytes();
  if (fields.data < kFileHeader + fields.header + (fields.bits <= 8 ? 4 * fields.colours : 0))
    throw BadPhoto("BMP with pixels inside of its header; get an intact copy");
  const std::int64_t left = static_cast<std::int64_t>(file.size()) - static_cast<std::int64_t>(fields.data);
  return {.format = PhotoFormat::kBmp,
          .width = fields.width,
          .height = fields.height,
          .bits = fields.bits <= 8 ? fields.bits : 8,
          .cut_short = left < 0 || (row > 0 && fields.height > left / row)};
}

Picture decode_bmp(FileBytes file) {
  const BmpFields fields = read_fields(file);
  const FileBytes palette = fields.bits <= 8 ? palette_of(file, fields) : FileBytes();
  Picture picture = new_picture(std::size_t(fields.width), std::size_t(fields.height), fields.has_alpha() ? 4 : 3);
  for (std::int64_t y = 0; y < fields.height; ++y) {
    const std::int64_t stored = fields.top_down ? y : fields.height - 1 - y;
    decode_row(file.data() + fields.data + stored * fields.row_bytes(), fields, palette,
               picture.values.data() + std::size_t(y) * picture.row_values());
  }
  if (fields.has_alpha()) drop_absent_alpha(picture);
  lay_on_white(picture);
  return picture;
}

}  // namespace pleat
