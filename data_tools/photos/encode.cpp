// The libraries' one-call interfaces, TurboJPEG and libpng's simplified one, return errors instead of jumping. OpenCV's
// imgcodecs would do the same, but Debian's loads GDAL and 70 libraries more, in about 0.1 s.
#include "data_tools/photos/encode.h"

#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>

#include <memory>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

namespace pleat {
namespace {

void require_bgr(const cv::Mat& picture) {
  if (picture.type() != CV_8UC3 || picture.empty()) throw std::runtime_error("expected a picture of 8-bit BGR");
}

}  // namespace

cv::Mat to_bgr(const Picture& picture) {
  const int type = picture.channels == 1 ? CV_8UC1 : CV_8UC3;
  const cv::Mat pixels(picture.height, picture.width, type, const_cast<std::uint8_t*>(picture.values.data()));
  cv::Mat bgr;
  cv::cvtColor(pixels, bgr, picture.channels == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_RGB2BGR);
  return bgr;
}

std::vector<std::uint8_t> encode_jpeg(const cv::Mat& bgr, int quality) {
  require_bgr(bgr);
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int failed = tjCompress2(encoder.get(), bgr.data, bgr.cols, static_cast<int>(bgr.step[0]), bgr.rows, TJPF_BGR,
                                 &bytes, &size, TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(bytes, tjFree);
  if (failed != 0) throw std::runtime_error(fmt::format("JPEG cannot be written ({})", tjGetErrorStr2(encoder.get())));
  return {bytes, bytes + size};
}

std::vector<std::uint8_t> encode_png(const cv::Mat& bgr) {
  require_bgr(bgr);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(bgr.cols);
  image.height = static_cast<png_uint_32>(bgr.rows);
  image.format = PNG_FORMAT_BGR;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::uint8_t> bytes(size);
  const auto row_values = static_cast<png_int_32>(bgr.step[0]);
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, bgr.data, row_values, nullptr) == 0)
    throw std::runtime_error(fmt::format("PNG cannot be written ({})", image.message));
  bytes.resize(size);
  return bytes;
}

}  // namespace pleat
