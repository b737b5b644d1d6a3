// Decodes TIFF 6.0 as photo programs write it: strips of 8- or 16-bit gray or RGB. OpenCV is not used: it silently
// accepts damaged strips, and multiplies colours by alpha for some files only.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/orientation.h"
#include "data_tools/photos/tiff_directory.h"
#include "data_tools/photos/tiff_strips.h"

namespace pleat {
namespace {

enum Tag : std::uint16_t {
  kSubfile = 254,
  kWidth = 256,
  kHeight = 257,
  kBits = 258,
  kCompression = 259,
  kPhotometric = 262,
  kFillOrder = 266,
  kOffsets = 273,
  kSamples = 277,
  kRowsPerStrip = 278,
  kCounts = 279,
  kPlanes = 284,
  kPredictor = 317,
  kTileWidth = 322,
  kExtraSamples = 338,
  kSampleFormat = 339,
  kXmp = 700,
  kDngVersion = 50706,
};

constexpr std::uint32_t kWhiteIsZero = 0, kBlackIsZero = 1, kRgb = 2;  // values of kPhotometric

struct TiffLayout {
  std::size_t width = 0, height = 0, rows_per_strip = 0;
  int bits = 8, samples = 1, colours = 1;  // samples: colours and extra ones
  bool inverted = false, big_endian = false, predicted = false;
  std::uint32_t extra = 0;  // meaning of the sample after the colours: 0 none, 1 premultiplied alpha, 2 alpha
  TiffCompression compression{};
  std::vector<FileBytes> strips;

  std::size_t row_bytes() const { return width * static_cast<std::size_t>(samples * bits / 8); }
};

[[noreturn]] void refuse(const std::string& what) { throw BadPhoto("TIFF " + what + "; save it as PNG or JPEG"); }

const char* photometric_name(std::uint32_t code) {
  switch (code) {
    case 3:
      return "with a palette";
    case 4:
      return "that is a mask";
    case 5:
      return "in CMYK colours";
    case 6:
      return "in YCbCr colours";
    case 8:
      return "in CIELab colours";
    case 32803:
      return "of raw sensor values";
    default:
      return "in unknown colours";
  }
}

TiffCompression compression_of(std::uint32_t code) {
  switch (code) {
    case 1:
      return TiffCompression::kNone;
    case 5:
      return TiffCompression::kLzw;
    case 8:
    case 32946:
      return TiffCompression::kDeflate;
    case 32773:
      return TiffCompression::kPackBits;
    case 6:
    case 7:
      refuse("with JPEG inside");
    case 2:
    case 3:
    case 4:
      refuse("with fax compression");
    default:
      refuse(fmt::format("with compression {}", code));
  }
}

// A picture that is marked as a thumbnail does not count as a page.
void check_single_page(FileBytes file, const TiffDirectory& first) {
  constexpr int kMost = 16;  // limit, since a link back to an earlier directory would never end
  int pages = 1;
  std::uint32_t at = first.next();
  for (int i = 0; at != 0 && i < kMost; ++i) {
    const TiffDirectory directory(file, at);
    if ((directory.number(kSubfile).value_or(0) & 1) == 0) ++pages;
    at = directory.next();
  }
  if (pages > 1) refuse("of several pages, expected one");
}

void read_samples(const TiffDirectory& directory, TiffLayout& layout) {
  layout.samples = static_cast<int>(std::min(directory.number(kSamples).value_or(1), 99U));
  std::vector<std::uint32_t> bits = directory.numbers(kBits);
  if (bits.empty()) bits = {1};
  const auto other = [](std::uint32_t expected) { return [=](std::uint32_t value) { return value != expected; }; };
  const auto formats = directory.numbers(kSampleFormat);
  if (std::any_of(formats.begin(), formats.end(), other(1)))
    refuse(formats[0] == 3 ? "of float values" : "of signed values");
  if (std::any_of(bits.begin(), bits.end(), other(bits[0]))) refuse("of channels with different numbers of bits");
  if (bits[0] != 8 && bits[0] != 16) refuse(fmt::format("of {} bits per channel, expected 8 or 16", bits[0]));
  layout.bits = static_cast<int>(bits[0]);
  const std::uint32_t photometric = directory.number(kPhotometric).value_or(99);
  if (photometric > kRgb) refuse(photometric_name(photometric));
  layout.inverted = photometric == kWhiteIsZero;
  layout.colours = photometric == kRgb ? 3 : 1;
  if (layout.samples != layout.colours && layout.samples != layout.colours + 1)
    refuse(fmt::format("of {} channels", layout.samples));
  layout.extra = layout.samples > layout.colours ? directory.number(kExtraSamples).value_or(0) : 0;
  if (layout.samples > 1 && directory.number(kPlanes).value_or(1) != 1) refuse("of separate planes");
  const std::uint32_t predictor = directory.number(kPredictor).value_or(1);
  if (predictor != 1 && predictor != 2) refuse(fmt::format("with predictor {}", predictor));
  layout.predicted = predictor == 2;
  if (directory.number(kFillOrder).value_or(1) != 1) refuse("with the bits of a byte in reverse order");
}

void read_strips(FileBytes file, const TiffDirectory& directory, TiffLayout& layout) {
  const auto offsets = directory.numbers(kOffsets), counts = directory.numbers(kCounts);
  const std::size_t rows = directory.number(kRowsPerStrip).value_or(UINT32_MAX);
  layout.rows_per_strip = std::min(rows, layout.height);
  if (layout.rows_per_strip == 0 || offsets.size() != counts.size() ||
      offsets.size() != (layout.height + layout.rows_per_strip - 1) / layout.rows_per_strip)
    throw BadPhoto("TIFF with a broken directory; get an intact copy");
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] > file.size() || counts[i] > file.size() - offsets[i])
      throw BadPhoto("TIFF is cut short; get an intact copy");
    layout.strips.push_back(file.subspan(offsets[i], counts[i]));
  }
}

TiffLayout read_layout(FileBytes file) {
  const TiffDirectory directory(file);
  check_single_page(file, directory);
  // Raw photos of many cameras start with a thumbnail; ordinary TIFF readers do not find the photo itself.
  if ((directory.number(kSubfile).value_or(0) & 1) != 0 || directory.number(kDngVersion))
    refuse("of a camera's raw values, whose first picture is a thumbnail");
  TiffLayout layout{.big_endian = directory.big_endian()};
  layout.width = directory.number(kWidth).value_or(0);
  layout.height = directory.number(kHeight).value_or(0);
  if (directory.number(kTileWidth)) refuse("of tiles, expected strips");
  read_samples(directory, layout);
  layout.compression = compression_of(directory.number(kCompression).value_or(1));
  // Some programs set a predictor for uncompressed data. TIFF 6.0 does not apply it.
  layout.predicted &= layout.compression == TiffCompression::kLzw || layout.compression == TiffCompression::kDeflate;
  // The caller reports an absurd size; strips would be the wrong reason.
  if (layout.width > 0 && layout.height > 0 && layout.width * layout.height <= std::size_t{kMaxAllowed})
    read_strips(file, directory, layout);
  return layout;
}

// Converts 16-bit values from the file's byte order to the machine's.
void to_native(std::uint8_t* row, std::size_t bytes, bool big_endian) {
  if (big_endian == (std::endian::native == std::endian::big)) return;
  for (std::size_t i = 0; i + 1 < bytes; i += 2) std::swap(row[i], row[i + 1]);
}

// Predictor 2 stores each value as its difference from the previous pixel.
template <typename Value>
void undo_prediction(std::uint8_t* row, std::size_t values, std::size_t samples) {
  for (std::size_t i = samples; i < values; ++i) {
    Value value, before;
    std::memcpy(&value, row + i * sizeof(Value), sizeof(Value));
    std::memcpy(&before, row + (i - samples) * sizeof(Value), sizeof(Value));
    value = static_cast<Value>(value + before);
    std::memcpy(row + i * sizeof(Value), &value, sizeof(Value));
  }
}

void finish_row(std::uint8_t* row, const TiffLayout& layout) {
  const auto samples = static_cast<std::size_t>(layout.samples), values = layout.width * samples;
  if (layout.bits == 16) to_native(row, layout.row_bytes(), layout.big_endian);
  if (layout.predicted && layout.bits == 16) undo_prediction<std::uint16_t>(row, values, samples);
  if (layout.predicted && layout.bits == 8) undo_prediction<std::uint8_t>(row, values, samples);
  if (!layout.inverted) return;
  const std::size_t bytes = static_cast<std::size_t>(layout.bits / 8);
  for (std::size_t pixel = 0; pixel < layout.width; ++pixel) {
    for (std::size_t i = 0; i < bytes; ++i) row[pixel * samples * bytes + i] ^= 0xFF;  // gray only
  }
}

// Drops an extra sample without a meaning.
void drop_last_channel(Picture& picture, std::size_t bytes_per_value) {
  const std::size_t pixel = static_cast<std::size_t>(picture.channels) * bytes_per_value,
                    kept = pixel - bytes_per_value;
  const std::size_t pixels = picture.values.size() / pixel;
  for (std::size_t i = 0; i < pixels; ++i) std::memmove(&picture.values[i * kept], &picture.values[i * pixel], kept);
  picture.channels -= 1;
  picture.values.resize(pixels * kept);
}

}  // namespace

ImageHeader read_tiff_header(FileBytes file) {
  const TiffLayout layout = read_layout(file);
  return {.format = PhotoFormat::kTiff,
          .width = static_cast<std::int64_t>(layout.width),
          .height = static_cast<std::int64_t>(layout.height),
          .bits = layout.bits,
          .orientation = orientation_of(file, field_bytes(file, kXmp).value_or(FileBytes()))};
}

Picture decode_tiff(FileBytes file) {
  const TiffLayout layout = read_layout(file);
  Picture picture = new_picture(layout.width, layout.height, layout.samples, layout.bits / 8);
  std::size_t row = 0;
  for (const FileBytes strip : layout.strips) {
    const std::size_t rows = std::min(layout.rows_per_strip, layout.height - row);
    const std::span pixels = std::span(picture.values).subspan(row * layout.row_bytes(), rows * layout.row_bytes());
    if (!unpack_strip(strip, layout.compression, pixels))
      throw BadPhoto(fmt::format("TIFF is damaged (rows {} to {}); get an intact copy", row, row + rows - 1));
    for (std::size_t i = 0; i < rows; ++i) finish_row(pixels.data() + i * layout.row_bytes(), layout);
    row += rows;
  }
  if (layout.samples > layout.colours && layout.extra == 0) drop_last_channel(picture, std::size_t(layout.bits / 8));
  (layout.bits == 16 ? lay_on_white_in_8_bits : lay_on_white)(
      picture, layout.extra == 1 ? Alpha::kPremultiplied : Alpha::kSeparate);
  return picture;
}

}  // namespace pleat
