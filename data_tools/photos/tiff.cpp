// Decodes TIFF 6.0 and BigTIFF through libtiff: every packing, strips and tiles.
#include <fmt/format.h>
#include <libdeflate.h>
#include <tiffio.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "data_tools/photos/formats.h"
#include "data_tools/photos/orientation.h"
#include "data_tools/photos/tiff_file.h"
#include "data_tools/photos/tiff_layout.h"

namespace pleat {
namespace {

constexpr std::uint16_t kXmp = 700;
constexpr std::size_t kMaxSurplus = std::size_t{16} << 20;  // bytes behind the last row of a deflated strip
constexpr std::size_t kMaxTile = std::size_t{256} << 20;    // bytes: a tile may be far larger than its picture

// Thumbnails and masks of a picture do not count as pages.
void check_single_page(const TiffFile& tiff) {
  constexpr int kMost = 16;  // directories that are looked at
  int pages = 1;
  for (int i = 0; i < kMost && TIFFLastDirectory(tiff.get()) == 0; ++i) {
    if (TIFFReadDirectory(tiff.get()) == 0) throw BadPhoto("TIFF with a broken directory; get an intact copy");
    const auto kind = tiff.field<std::uint32_t>(TIFFTAG_SUBFILETYPE, 0);
    if ((kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) ++pages;
  }
  if (pages > 1) refuse_tiff("of several pages, expected one");
}

std::uint32_t block_count(TIFF* tiff, bool tiled) { return tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff); }

// If a single strip's length looks wrong, libtiff replaces it by the rest of the file. So a plain strip must hold all
// its rows.
bool is_cut_short(const TiffFile& tiff, const TiffLayout& layout, std::size_t file_size) {
  const std::uint32_t blocks = block_count(tiff.get(), layout.tiled);
  for (std::uint32_t i = 0; i < blocks; ++i) {
    const std::uint64_t offset = TIFFGetStrileOffset(tiff.get(), i), count = TIFFGetStrileByteCount(tiff.get(), i);
    if (offset > file_size || count > file_size - offset) return true;
    const bool plain = layout.compression == COMPRESSION_NONE && !layout.tiled && blocks == 1;
    if (plain && count < static_cast<std::uint64_t>(TIFFStripSize(tiff.get()))) return true;
  }
  return false;
}

struct Free {
  void operator()(libdeflate_decompressor* inflater) const { libdeflate_free_decompressor(inflater); }
};

class TiffDecoder {
 public:
  explicit TiffDecoder(FileBytes file) : file_(file), tiff_(file), layout_(read_layout(tiff_)) {}

  Picture decode() {
    tiff_.expect_silence();
    const bool usual_bits = tiff_.field<std::uint16_t>(TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) == FILLORDER_MSB2LSB;
    if (layout_.is_deflated() && usual_bits) check_deflated_blocks();
    Picture picture = layout_.is_plain() ? plain() : by_libtiff();
    if (!tiff_.complaint().empty()) damaged();
    return picture;
  }

 private:
  [[noreturn]] void damaged() const {
    throw BadPhoto(fmt::format("TIFF is damaged ({}); get an intact copy",
                               tiff_.complaint().empty() ? "a packed block" : tiff_.complaint()));
  }

  std::size_t block_bytes() const {
    const auto bytes = static_cast<std::size_t>(layout_.tiled ? TIFFTileSize(tiff_.get()) : TIFFStripSize(tiff_.get()));
    if (bytes == 0 || (layout_.tiled && bytes > kMaxTile)) refuse_tiff("of tiles that are too large");
    return bytes;
  }

  // Reads deflated blocks to the end of their streams, for their checksums: libtiff stops at the last pixel. Some
  // writers' last strip continues behind the last row, by less than a strip.
  void check_deflated_blocks() const {
    const std::unique_ptr<libdeflate_decompressor, Free> inflater(libdeflate_alloc_decompressor());
    if (inflater == nullptr) throw std::bad_alloc();
    std::vector<std::uint8_t> scratch(block_bytes() + std::min(block_bytes(), kMaxSurplus));
    const std::uint32_t blocks = block_count(tiff_.get(), layout_.tiled);
    for (std::uint32_t i = 0; i < blocks; ++i) {  // the header's cut_short says that they are there
      const std::uint8_t* block = file_.data() + TIFFGetStrileOffset(tiff_.get(), i);
      std::size_t made = 0;
      if (libdeflate_zlib_decompress(inflater.get(), block, TIFFGetStrileByteCount(tiff_.get(), i), scratch.data(),
                                     scratch.size(), &made) != LIBDEFLATE_SUCCESS)
        damaged();
    }
  }

  // Gray and RGB of 8 and 16 bits, with alpha. libtiff's RGBA interface would multiply colours by alpha and round 16
  // bits.
  Picture plain() {
    Picture picture = new_picture(layout_.width, layout_.height, layout_.samples, layout_.bits / 8);
    std::vector<std::uint8_t> block(block_bytes());
    const std::uint32_t planes = layout_.planar ? layout_.samples : 1;
    for (std::uint32_t plane = 0, index = 0; plane < planes; ++plane) {
      for (std::uint32_t top = 0; top < layout_.height; top += layout_.block_height) {
        for (std::uint32_t left = 0; left < layout_.width; left += layout_.block_width, ++index)
          read_block(index, plane, left, top, block, picture);
      }
    }
    if (layout_.photometric == PHOTOMETRIC_MINISWHITE) turn_over(picture);
    const bool alpha = layout_.extra == EXTRASAMPLE_ASSOCALPHA || layout_.extra == EXTRASAMPLE_UNASSALPHA;
    if (layout_.samples > layout_.colours && !alpha) drop_last_channel(picture);
    (layout_.bits == 16 ? lay_on_white_in_8_bits : lay_on_white)(
        picture, layout_.extra == EXTRASAMPLE_ASSOCALPHA ? Alpha::kPremultiplied : Alpha::kSeparate);
    return picture;
  }

  void read_block(std::uint32_t index, std::uint32_t plane, std::uint32_t left, std::uint32_t top,
                  std::vector<std::uint8_t>& block, Picture& picture) {
    TIFF* const tiff = tiff_.get();
    const std::size_t rows = std::min(layout_.block_height, layout_.height - top);
    const auto row_bytes = static_cast<std::size_t>(layout_.tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff));
    const std::size_t needed = layout_.tiled ? block.size() : rows * row_bytes;
    const std::size_t pixels = std::min(layout_.block_width, layout_.width - left);
    const std::size_t value = layout_.bits / 8, pixel = value * layout_.samples, read = layout_.planar ? value : pixel;
    if (needed > block.size() || pixels * read > row_bytes) damaged();
    const auto wanted = static_cast<tmsize_t>(needed);
    const tmsize_t given = layout_.tiled ? TIFFReadEncodedTile(tiff, index, block.data(), wanted)
                                         : TIFFReadEncodedStrip(tiff, index, block.data(), wanted);
    if (given != wanted || !tiff_.complaint().empty()) damaged();
    for (std::size_t y = 0; y < rows; ++y) {
      const std::uint8_t* from = &block[y * row_bytes];
      std::uint8_t* to = &picture.values[((top + y) * layout_.width + left) * pixel + plane * value];
      if (!layout_.planar) {
        std::copy_n(from, pixels * pixel, to);
      } else {
        for (std::size_t x = 0; x < pixels; ++x) std::copy_n(from + x * value, value, to + x * pixel);
      }
    }
  }

  // Gray in which 0 is white. An extra sample stays.
  void turn_over(Picture& picture) const {
    const std::size_t value = layout_.bits / 8, pixel = value * layout_.samples;
    for (std::size_t at = 0; at < picture.values.size(); at += pixel) {
      for (std::size_t i = 0; i < value; ++i) picture.values[at + i] ^= 0xFF;
    }
  }

  // Drops an extra sample without a meaning.
  void drop_last_channel(Picture& picture) const {
    const std::size_t value = layout_.bits / 8, pixel = value * layout_.samples, kept = pixel - value;
    const std::size_t pixels = picture.values.size() / pixel;
    for (std::size_t i = 0; i < pixels; ++i) std::copy_n(&picture.values[i * pixel], kept, &picture.values[i * kept]);
    picture.channels -= 1;
    picture.values.resize(pixels * kept);
  }

  // Few bits, palettes, CMYK without a profile, YCbCr. Memory: 4 bytes a pixel more.
  Picture by_libtiff() {
    block_bytes();  // refuses absurd tiles
    std::vector<std::uint32_t> raster(std::size_t{layout_.width} * layout_.height);
    const int as_stored = tiff_.field<std::uint16_t>(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    if (TIFFReadRGBAImageOriented(tiff_.get(), layout_.width, layout_.height, raster.data(), as_stored, 1) == 0)
      damaged();
    Picture picture = new_picture(layout_.width, layout_.height, 3);
    std::uint8_t* to = picture.values.data();
    for (const std::uint32_t pixel : raster) {
      *to++ = static_cast<std::uint8_t>(TIFFGetR(pixel));
      *to++ = static_cast<std::uint8_t>(TIFFGetG(pixel));
      *to++ = static_cast<std::uint8_t>(TIFFGetB(pixel));
    }
    return picture;
  }

  FileBytes file_;
  TiffFile tiff_;
  TiffLayout layout_;
};

}  // namespace

ImageHeader read_tiff_header(FileBytes file) {
  const TiffFile tiff(file);
  const TiffLayout layout = read_layout(tiff);
  ImageHeader header{.format = PhotoFormat::kTiff,
                     .width = layout.width,
                     .height = layout.height,
                     .bits = layout.bits,
                     .orientation = orientation_of(file, field_bytes(file, kXmp).value_or(FileBytes()))};
  // The caller reports an absurd size; its strips would be the wrong reason.
  if (layout.width > 0 && header.height <= kMaxAllowed / header.width) {
    if (layout.block_width == 0 || layout.block_height == 0)
      throw BadPhoto("TIFF with a broken directory; get an intact copy");
    header.cut_short = is_cut_short(tiff, layout, file.size());
  }
  if (!header.cut_short) check_single_page(tiff);
  return header;
}

Picture decode_tiff(FileBytes file) { return TiffDecoder(file).decode(); }

}  // namespace pleat
