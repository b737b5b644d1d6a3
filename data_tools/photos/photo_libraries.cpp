#include "data_tools/photos/photo_libraries.h"

#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>
#include <zlib.h>

#include <cstdio>  // jpeglib.h needs it first
#include <opencv2/core/utility.hpp>

namespace pleat {
namespace {

// One byte per number.
std::string webp_version() {
  const int packed = WebPGetDecoderVersion();
  return fmt::format("{}.{}.{}", packed >> 16 & 0xFF, packed >> 8 & 0xFF, packed & 0xFF);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> library_versions() {
  constexpr int kJpeg = LIBJPEG_TURBO_VERSION_NUMBER;  // 2001005 is 2.1.5
  return {{"OpenCV", cv::getVersionString()},
          {"libjpeg-turbo", fmt::format("{}.{}.{}, as compiled", kJpeg / 1'000'000, kJpeg / 1000 % 1000, kJpeg % 1000)},
          {"libpng", png_get_libpng_ver(nullptr)},
          {"libwebp", webp_version()},
          {"zlib", zlibVersion()}};
}

}  // namespace pleat
