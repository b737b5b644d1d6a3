#include "data_tools/photo.h"

#include <fmt/format.h>
#include <jpeglib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>  // jpeglib.h needs it first
#include <opencv2/core.hpp>

#include "data_tools/area_resize.h"
#include "data_tools/formats.h"

namespace pleat {
namespace {

struct Box {
  std::int64_t left, top, width, height;  // pixels
};

// How a stored photo becomes upright (EXIF 2.3, tag 0x0112): mirrored rows or columns, then rows for columns.
struct Turn {
  bool rows, columns, transposed;
};

Turn turn_of(int orientation) {
  const auto is_one_of = [orientation](std::initializer_list<int> all) {
    return std::find(all.begin(), all.end(), orientation) != all.end();
  };
  return {.rows = is_one_of({3, 4, 6, 7}), .columns = is_one_of({2, 3, 7, 8}), .transposed = orientation >= 5};
}

Box crop_box(std::int64_t photo_width, std::int64_t photo_height, const PhotoOptions& options) {
  if (options.crop == CropMode::kNone) return {0, 0, photo_width, photo_height};
  const double scale =
      std::min(static_cast<double>(photo_width) / options.width, static_cast<double>(photo_height) / options.height);
  const auto width = std::clamp<std::int64_t>(std::lrint(options.width * scale), 1, photo_width);
  const auto height = std::clamp<std::int64_t>(std::lrint(options.height * scale), 1, photo_height);
  return {(photo_width - width) / 2, (photo_height - height) / 2, width, height};
}

// The same crop of the photo as it is stored: so small pictures are turned, not large ones.
struct StoredCrop {
  Turn turn;
  Box box;            // before the mirroring
  int height, width;  // pixels of the crop, before rows are taken for columns
};

StoredCrop stored_crop(const ImageHeader& header, const PhotoOptions& options) {
  const Turn turn = turn_of(header.orientation);
  if (!turn.transposed) {
    Box box = crop_box(header.width, header.height, options);
    if (turn.columns) box.left = header.width - box.left - box.width;
    if (turn.rows) box.top = header.height - box.top - box.height;
    return {turn, box, options.height, options.width};
  }
  const Box upright = crop_box(header.height, header.width, options);
  Box box{upright.top, upright.left, upright.height, upright.width};
  if (turn.columns) box.left = header.width - box.left - box.width;
  if (turn.rows) box.top = header.height - box.top - box.height;
  return {turn, box, options.width, options.height};
}

// JPEG decodes to averages of 2, 4 or 8 pixels for much less work. One and a half times the crop's size must remain, so
// that averaging still sets the result.
int reduction_for(const StoredCrop& crop) {
  const std::int64_t spare = std::min(2 * crop.box.width / (3 * crop.width), 2 * crop.box.height / (3 * crop.height));
  return spare >= 8 ? 8 : spare >= 4 ? 4 : spare >= 2 ? 2 : 1;
}

Picture decode(FileBytes photo, PhotoFormat format, int reduction) {
  switch (format) {
    case PhotoFormat::kJpeg:
      return decode_jpeg(photo, reduction);
    case PhotoFormat::kPng:
      return decode_png(photo);
    case PhotoFormat::kWebp:
      return decode_webp(photo);
    case PhotoFormat::kBmp:
      return decode_bmp(photo);
    case PhotoFormat::kTiff:
      return decode_tiff(photo);
  }
  throw std::logic_error("a photo format without a decoder");
}

void write_rgb(const Picture& picture, bool transposed, std::uint8_t* out) {
  const auto width = static_cast<std::size_t>(picture.width), height = static_cast<std::size_t>(picture.height);
  const auto channels = static_cast<std::size_t>(picture.channels), green = channels / 2, blue = channels - 1;
  const std::size_t down = transposed ? height : width, across = transposed ? width : 1;
  const std::size_t rows = transposed ? width : height, columns = transposed ? height : width;
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < columns; ++x, out += 3) {
      const std::size_t at = transposed ? x * across + y : y * down + x;
      const std::uint8_t* pixel = &picture.values[at * channels];
      out[0] = pixel[0];
      out[1] = pixel[green];
      out[2] = pixel[blue];
    }
  }
}

}  // namespace

void make_crop(std::span<const std::uint8_t> photo, const PhotoOptions& options, std::span<std::uint8_t> crop) {
  if (crop.size() != static_cast<std::size_t>(options.height) * static_cast<std::size_t>(options.width) * 3)
    throw std::logic_error("a crop's buffer has the wrong size");
  const ImageHeader header = read_image_header(photo);
  const StoredCrop stored = stored_crop(header, options);
  const int reduction = header.format == PhotoFormat::kJpeg ? reduction_for(stored) : 1;
  const Picture picture = decode(photo, header.format, reduction);
  if (picture.width != (header.width + reduction - 1) / reduction ||
      picture.height != (header.height + reduction - 1) / reduction)
    throw BadPhoto("its header and its data are of different sizes; get the photo anew");
  const auto part = [&](std::int64_t begin, std::int64_t extent, bool mirrored) {
    return AxisPart{static_cast<double>(begin) / reduction, static_cast<double>(extent) / reduction, mirrored};
  };
  const Picture small = area_resize(
      picture, area_taps(part(stored.box.top, stored.box.height, stored.turn.rows), picture.height, stored.height),
      area_taps(part(stored.box.left, stored.box.width, stored.turn.columns), picture.width, stored.width));
  write_rgb(small, stored.turn.transposed, crop.data());
}

#define PLEAT_TEXT_OF(version) #version
#define PLEAT_TEXT(version) PLEAT_TEXT_OF(version)

std::string decoder_names() {
  return "libjpeg-turbo " PLEAT_TEXT(LIBJPEG_TURBO_VERSION) ", OpenCV " + cv::getVersionString();
}

}  // namespace pleat
