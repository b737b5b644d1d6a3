#include "data_tools/photos/photo.h"

#include <algorithm>
#include <stdexcept>

#include "data_tools/photos/area_resize.h"
#include "data_tools/photos/formats.h"

namespace pleat {
namespace {

// Makes a stored photo upright (EXIF 2.3, tag 0x0112): mirrors rows or columns, then transposes.
struct Turn {
  bool rows, columns, transposed;
};

Turn turn_of(int orientation) {
  const auto is_one_of = [orientation](std::initializer_list<int> all) {
    return std::find(all.begin(), all.end(), orientation) != all.end();
  };
  return {.rows = is_one_of({3, 4, 6, 7}), .columns = is_one_of({2, 3, 7, 8}), .transposed = orientation >= 5};
}

// An upright part in the coordinates of the stored photo. The small result is turned, not the large photo.
struct StoredPart {
  Turn turn;
  PhotoBox box;       // before the mirroring
  int height, width;  // pixels of the result, before transposing
};

StoredPart stored_part(const ImageHeader& header, const PhotoBox& upright, int height, int width) {
  StoredPart part{turn_of(header.orientation), upright, height, width};
  if (part.turn.transposed)
    part = {part.turn, {upright.top, upright.left, upright.height, upright.width}, width, height};
  if (part.turn.columns) part.box.left = header.width - part.box.left - part.box.width;
  if (part.turn.rows) part.box.top = header.height - part.box.top - part.box.height;
  return part;
}

// JPEG decodes to averages of 2, 4 or 8 pixels for much less work. One and a half times the result's size must remain,
// so that the final averaging still decides the result.
int reduction_for(const StoredPart& part, const ImageHeader& header) {
  if (!header.reducible) return 1;
  const std::int64_t spare = std::min(2 * part.box.width / (3 * part.width), 2 * part.box.height / (3 * part.height));
  int reduction = spare >= 8 ? 8 : spare >= 4 ? 4 : spare >= 2 ? 2 : 1;
  while (reduction < 8 && header.width * header.height / (reduction * reduction) > kMaxDecoded) reduction *= 2;
  return reduction;
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
    case PhotoFormat::kGif:
      return decode_gif(photo);
    case PhotoFormat::kHeic:
      return decode_heic(photo);
    case PhotoFormat::kAvif:
      return decode_avif(photo);
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

Photo::Photo(std::span<const std::uint8_t> file, std::int64_t max_pixels)
    : file_(file), header_(read_image_header(file, max_pixels)) {}

const Picture& Photo::decoded(int reduction) {
  if (reduction_ != 0 && reduction_ <= reduction) return decoded_;
  reduction_ = 0;
  decoded_ = {};  // two at a time would take twice the memory
  decoded_ = decode(file_, header_.format, reduction);
  if (decoded_.width != (header_.width + reduction - 1) / reduction ||
      decoded_.height != (header_.height + reduction - 1) / reduction)
    throw BadPhoto("its header and its data are of different sizes; get an intact copy");
  reduction_ = reduction;
  return decoded_;
}

void Photo::draw(const PhotoBox& box, int height, int width, std::span<std::uint8_t> rgb) {
  if (rgb.size() != static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3)
    throw std::logic_error("a picture's buffer has the wrong size");
  const StoredPart stored = stored_part(header_, box, height, width);
  const Picture& picture = decoded(reduction_for(stored, header_));
  const auto axis = [this](std::int64_t begin, std::int64_t extent, bool mirrored) {
    return AxisPart{static_cast<double>(begin) / reduction_, static_cast<double>(extent) / reduction_, mirrored};
  };
  const Picture small = area_resize(
      picture, area_taps(axis(stored.box.top, stored.box.height, stored.turn.rows), picture.height, stored.height),
      area_taps(axis(stored.box.left, stored.box.width, stored.turn.columns), picture.width, stored.width));
  write_rgb(small, stored.turn.transposed, rgb.data());
}

}  // namespace pleat
