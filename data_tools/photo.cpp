#include "data_tools/photo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace pleat {
namespace {

constexpr std::int64_t kMaxPixels = 100'000'000;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{256} << 20;
constexpr double kDimmest = 4096;  // of 65,535: below, a 16-bit photo holds fewer than 16 levels once it has 8 bits

// JPEG decodes at a half, a quarter or an eighth for much less work. One and a half times the crop's size must remain,
// so that averaging still sets the result; sides are compared crosswise because EXIF may turn the photo.
int decode_flags(const ImageHeader& header, const PhotoOptions& options) {
  if (header.alpha) return cv::IMREAD_UNCHANGED;
  if (header.format == PhotoFormat::kPng) return cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH;
  const std::int64_t spare = 2 * std::min(header.width, header.height) / (3 * std::max(options.height, options.width));
  if (spare >= 8) return cv::IMREAD_REDUCED_COLOR_8;
  if (spare >= 4) return cv::IMREAD_REDUCED_COLOR_4;
  if (spare >= 2) return cv::IMREAD_REDUCED_COLOR_2;
  return cv::IMREAD_COLOR;
}

cv::Mat decode(std::span<const std::uint8_t> photo, const ImageHeader& header, const PhotoOptions& options) {
  // Each side first: a PNG may claim 2^32 - 1 of both, and their product would not fit.
  if (header.width > kMaxPixels || header.height > kMaxPixels || header.width * header.height > kMaxPixels) {
    throw BadPhoto(fmt::format("{}x{} pixels are too many, at most {} million are decoded; shrink it", header.width,
                               header.height, kMaxPixels / 1'000'000));
  }
  const cv::Mat bytes(1, static_cast<int>(photo.size()), CV_8U, const_cast<std::uint8_t*>(photo.data()));
  const cv::Mat image = cv::imdecode(bytes, decode_flags(header, options));
  if (image.empty()) throw BadPhoto("cannot be decoded (damaged)");
  return image;
}

cv::Mat to_8_bits(const cv::Mat& image) {
  if (image.depth() == CV_8U) return image;
  if (image.depth() != CV_16U) throw BadPhoto("pixels are neither 8 nor 16 bits");
  double brightest = 0;
  // The alpha channel, which is full where the photo is opaque, must not hide that the colours are dim.
  cv::Mat colours = image;
  if (image.channels() == 4) cv::cvtColor(image, colours, cv::COLOR_BGRA2BGR);
  cv::minMaxLoc(colours.reshape(1), nullptr, &brightest);
  if (brightest < kDimmest) {
    throw BadPhoto(fmt::format(
        "16-bit picture whose brightest value is {} of 65535: it would come out black; scale it to 8 bits", brightest));
  }
  cv::Mat result;
  image.convertTo(result, CV_8U, 1.0 / 257);
  return result;
}

// What lies under transparent pixels was never meant to be seen, so they turn white, as a viewer shows them: at full
// size, since averages of the two apart would let the hidden colours into the shown ones.
cv::Mat on_white(const cv::Mat& bgra) {
  cv::Mat bgr(bgra.size(), CV_8UC3);
  for (int y = 0; y < bgra.rows; ++y) {
    const auto* from = bgra.ptr<cv::Vec4b>(y);
    auto* to = bgr.ptr<cv::Vec3b>(y);
    for (int x = 0; x < bgra.cols; ++x) {
      const int alpha = from[x][3];
      for (int c = 0; c < 3; ++c)
        to[x][c] = static_cast<std::uint8_t>((from[x][c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  return bgr;
}

cv::Mat to_rgb(const cv::Mat& image) {
  cv::Mat rgb;
  cv::cvtColor(image, rgb, image.channels() == 1 ? cv::COLOR_GRAY2RGB : cv::COLOR_BGR2RGB);
  return rgb;
}

cv::Rect crop_box(const cv::Size& photo, const PhotoOptions& options) {
  if (options.crop == CropMode::kNone) return {0, 0, photo.width, photo.height};
  const double scale =
      std::min(static_cast<double>(photo.width) / options.width, static_cast<double>(photo.height) / options.height);
  const int width = std::clamp(cvRound(options.width * scale), 1, photo.width);
  const int height = std::clamp(cvRound(options.height * scale), 1, photo.height);
  return {(photo.width - width) / 2, (photo.height - height) / 2, width, height};
}

}  // namespace

void make_crop(std::span<const std::uint8_t> photo, const PhotoOptions& options, std::span<std::uint8_t> crop) {
  const ImageHeader header = read_image_header(photo);
  try {
    const cv::Mat image = to_8_bits(decode(photo, header, options));
    const cv::Mat box = image(crop_box(image.size(), options));
    cv::Mat small;
    cv::resize(box.channels() == 4 ? on_white(box) : box, small, {options.width, options.height}, 0, 0, cv::INTER_AREA);
    const cv::Mat rgb = to_rgb(small);
    if (rgb.total() * rgb.elemSize() != crop.size()) throw std::logic_error("a crop's buffer has the wrong size");
    std::copy_n(rgb.ptr(), crop.size(), crop.data());
  } catch (const cv::Exception& error) {
    throw BadPhoto(fmt::format("cannot be decoded ({})", error.err));
  }
}

std::vector<std::uint8_t> read_photo(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) throw BadPhoto("no such file");
  if (error) throw BadPhoto(fmt::format("cannot be read ({})", error.message()));
  // A pipe or device would block, or never end.
  if (!std::filesystem::is_regular_file(status)) throw BadPhoto("not a file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw BadPhoto(fmt::format("cannot be read ({})", error.message()));
  if (size > kMaxFileBytes)
    throw BadPhoto(fmt::format("file of {} MiB, at most {} are read", size >> 20, kMaxFileBytes >> 20));
  std::vector<std::uint8_t> bytes(size);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    throw BadPhoto(fmt::format("cannot be read ({})", std::strerror(errno)));
  }
  return bytes;
}

}  // namespace pleat
