#include "data_tools/photos/tiff_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

std::string photometric_name(std::uint16_t code) {
  switch (code) {
    case PHOTOMETRIC_MASK:
      return "that is a mask";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
      return "in CIELab colours";
    case PHOTOMETRIC_CFA:
    case 34892:  // LinearRaw of DNG
      return "of raw sensor values";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
      return "of logarithms of light";
    default:
      return fmt::format("in unknown colours ({})", code);
  }
}

int colours_of(std::uint16_t photometric) {
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
      return 1;
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_YCBCR:
      return 3;
    case PHOTOMETRIC_SEPARATED:
      return 4;
    default:
      refuse_tiff(photometric_name(photometric));
  }
}

void check_bits(const TiffLayout& layout) {
  const bool gray = layout.photometric <= PHOTOMETRIC_MINISBLACK, palette = layout.photometric == PHOTOMETRIC_PALETTE;
  const bool few =
      (layout.bits == 1 || layout.bits == 2 || layout.bits == 4) && layout.samples == 1 && (gray || palette);
  const bool many = layout.bits == 16 && layout.photometric <= PHOTOMETRIC_RGB;
  if (few || many || layout.bits == 8) return;
  refuse_tiff(fmt::format("of {} bits per channel, expected {}", layout.bits,
                          gray                                    ? "1, 2, 4, 8 or 16"
                          : palette                               ? "1, 2, 4 or 8"
                          : layout.photometric == PHOTOMETRIC_RGB ? "8 or 16"
                                                                  : "8"));
}

// Pillow, and so an export's Python code, would show such a palette as black.
void check_palette(const TiffFile& tiff, int bits) {
  const std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_COLORMAP, &red, &green, &blue) == 0)
    throw BadPhoto("TIFF without its palette; get an intact copy");
  const auto is_dark = [count = 1 << bits](const std::uint16_t* values) {
    return std::all_of(values, values + count, [](std::uint16_t value) { return value < 256; });
  };
  if (is_dark(red) && is_dark(green) && is_dark(blue))
    refuse_tiff("with a palette of values below 256 of 65535: it would come out black");
}

void check_compression(std::uint16_t compression) {
  if (compression == COMPRESSION_OJPEG) refuse_tiff("with JPEG inside in the old manner");
  for (const std::uint16_t known : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE,
                                    COMPRESSION_PACKBITS, COMPRESSION_JPEG, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,
                                    COMPRESSION_CCITTFAX4, COMPRESSION_ZSTD, COMPRESSION_LZMA}) {
    if (compression == known && TIFFIsCODECConfigured(compression) != 0) return;
  }
  refuse_tiff(fmt::format("with compression {}", compression));
}

void read_samples(const TiffFile& tiff, TiffLayout& layout) {
  layout.samples = tiff.field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1);
  layout.bits = tiff.field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE, 1);
  std::uint16_t photometric = 0;
  if (TIFFGetField(tiff.get(), TIFFTAG_PHOTOMETRIC, &photometric) == 0)
    refuse_tiff("without the tag that names its colours");
  layout.photometric = photometric;
  layout.planar = layout.samples > 1 && tiff.field<std::uint16_t>(TIFFTAG_PLANARCONFIG, 1) == PLANARCONFIG_SEPARATE;
  const auto format = tiff.field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  if (format == SAMPLEFORMAT_IEEEFP) refuse_tiff("of float values");
  if (format == SAMPLEFORMAT_INT) refuse_tiff("of signed values");
  if (format != SAMPLEFORMAT_UINT) refuse_tiff(fmt::format("of values of format {}", format));
  layout.colours = colours_of(layout.photometric);
  if (layout.planar && layout.photometric == PHOTOMETRIC_YCBCR) refuse_tiff("in YCbCr colours of separate planes");
  if (layout.photometric == PHOTOMETRIC_SEPARATED &&
      tiff.field<std::uint16_t>(TIFFTAG_INKSET, INKSET_CMYK) != INKSET_CMYK)
    refuse_tiff("in inks other than CMYK");
  const bool may_have_more = layout.photometric <= PHOTOMETRIC_RGB;
  if (layout.samples != layout.colours && !(may_have_more && layout.samples == layout.colours + 1))
    refuse_tiff(fmt::format("of {} channels", layout.samples));
  std::uint16_t count = 0;
  const std::uint16_t* extra = nullptr;
  if (layout.samples > layout.colours && TIFFGetField(tiff.get(), TIFFTAG_EXTRASAMPLES, &count, &extra) != 0 &&
      count == 1)
    layout.extra = extra[0];
  check_bits(layout);
  if (layout.photometric == PHOTOMETRIC_PALETTE) check_palette(tiff, layout.bits);
}

}  // namespace

void refuse_tiff(const std::string& what) { throw BadPhoto("TIFF " + what + "; save it as PNG or JPEG"); }

TiffLayout read_layout(const TiffFile& tiff) {
  TiffLayout layout;
  layout.width = tiff.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH, 0);
  layout.height = tiff.field<std::uint32_t>(TIFFTAG_IMAGELENGTH, 0);
  layout.compression = tiff.field<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  const void* version = nullptr;
  // Raw photos of many cameras start with a thumbnail; ordinary TIFF readers do not find the photo itself.
  if ((tiff.field<std::uint32_t>(TIFFTAG_SUBFILETYPE, 0) & FILETYPE_REDUCEDIMAGE) != 0 ||
      TIFFGetField(tiff.get(), TIFFTAG_DNGVERSION, &version) != 0)
    refuse_tiff("of a camera's raw values, whose first picture is a thumbnail");
  read_samples(tiff, layout);
  check_compression(layout.compression);
  layout.tiled = TIFFIsTiled(tiff.get()) != 0;
  layout.block_width = layout.tiled ? tiff.field<std::uint32_t>(TIFFTAG_TILEWIDTH, 0) : layout.width;
  layout.block_height = layout.tiled
                            ? tiff.field<std::uint32_t>(TIFFTAG_TILELENGTH, 0)
                            : std::min(tiff.field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP, UINT32_MAX), layout.height);
  return layout;
}

}  // namespace pleat
