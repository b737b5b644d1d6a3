#include "data_tools/photos/photo_libraries.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include <cstdio>  // jpeglib.h needs it first
#include <opencv2/core/utility.hpp>

namespace pleat {
namespace {

// Only a separate libwebp reports its version; a copy inside OpenCV does not.
std::string webp_version() {
  using Version = int (*)();
  const auto version = reinterpret_cast<Version>(dlsym(RTLD_DEFAULT, "WebPGetDecoderVersion"));
  if (version == nullptr) return "OpenCV's own";
  const int packed = version();  // one byte per number
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
