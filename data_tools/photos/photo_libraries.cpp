#include "data_tools/photos/photo_libraries.h"

#include <fmt/format.h>
#include <gif_lib.h>
#include <jpeglib.h>
#include <libheif/heif.h>
#include <png.h>
#include <tiffio.h>
#include <webp/decode.h>
#include <zlib.h>

#include <array>
#include <cstdio>  // jpeglib.h needs it first
#include <opencv2/core/utility.hpp>
#include <string_view>

#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

std::string jpeg_version() {
  constexpr int kJpeg = LIBJPEG_TURBO_VERSION_NUMBER;  // 2001005 is 2.1.5
  return fmt::format("{}.{}.{}", kJpeg / 1'000'000, kJpeg / 1000 % 1000, kJpeg % 1000);
}

std::string webp_version() {
  const int packed = WebPGetDecoderVersion();  // one byte per number
  return fmt::format("{}.{}.{}", packed >> 16 & 0xFF, packed >> 8 & 0xFF, packed & 0xFF);
}

// "4.5.0" from "LIBTIFF, Version 4.5.0\nCopyright …".
std::string tiff_version() {
  const std::string text = TIFFGetVersion();
  const std::size_t from = text.find("Version ");
  return from == text.npos ? "unknown" : text.substr(from + 8, text.find('\n', from) - from - 8);
}

std::string gif_version() { return fmt::format("{}.{}.{}", GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE); }

// Names the decoder that heif.cpp uses for a format; "none" if libheif lacks it.
std::string heif_decoder(heif_compression_format format, std::string_view id) {
  std::array<const heif_decoder_descriptor*, 8> decoders{};
  const int count = heif_get_decoder_descriptors(format, decoders.data(), static_cast<int>(decoders.size()));
  for (int i = 0; i < count; ++i) {
    const heif_decoder_descriptor* decoder = decoders[std::size_t(i)];
    if (heif_decoder_descriptor_get_id_name(decoder) == id) return heif_decoder_descriptor_get_name(decoder);
  }
  return "none";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> library_versions() {
  heif_init(nullptr);
  return {{"OpenCV", cv::getVersionString()},
          {"libjpeg-turbo", jpeg_version() + ", as compiled"},
          {"libpng", png_get_libpng_ver(nullptr)},
          {"libwebp", webp_version()},
          {"libtiff", tiff_version()},
          {"giflib", gif_version() + ", as compiled"},
          {"libheif", heif_get_version()},
          {"HEIC", heif_decoder(heif_compression_HEVC, kHevcDecoder)},
          {"AVIF", heif_decoder(heif_compression_AV1, kAv1Decoder)},
          {"zlib", zlibVersion()}};
}

std::string decoder_names() {
  return fmt::format("libjpeg-turbo {}, libpng {}, libwebp {}, libtiff {}, giflib {}, libheif {}, OpenCV {}",
                     jpeg_version(), png_get_libpng_ver(nullptr), webp_version(), tiff_version(), gif_version(),
                     heif_get_version(), cv::getVersionString());
}

}  // namespace pleat
