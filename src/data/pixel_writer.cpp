#include "data/pixel_writer.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "data/resample.h"

namespace pleat {
namespace {

// Compiled for several vector widths, chosen at run time: this loop is most of the cost of loading a batch.
__attribute__((target_clones("avx512f", "avx2", "default"))) void scale_row(const std::uint8_t* in, const float* scale,
                                                                            const float* shift, float* out, int count) {
  for (int i = 0; i < count; ++i) out[i] = scale[i] * static_cast<float>(in[i]) + shift[i];
}

// Writes the pixels in reverse order. Three channels are copied as four bytes, and the next pixel overwrites the
// fourth, so `out` has one spare byte. Never reads past the row, which may end the mapping.
void mirror_row(const std::uint8_t* row, int pixels, int channels, std::uint8_t* out) {
  if (channels != 3) {
    std::reverse_copy(row, row + pixels, out);
    return;
  }
  if (pixels == 0) return;
  const std::uint8_t* from = row + 3 * (pixels - 1);
  std::memcpy(out, from, 3);
  for (int x = 1; x < pixels; ++x) std::memcpy(out + 3 * x, from - 3 * x, 4);
}

}  // namespace

PixelWriter::PixelWriter(const ImageShape& source, const ImageShape& output, const PixelNorm& norm)
    : source_(source), output_(output) {
  const auto channels = static_cast<std::size_t>(source.channels);
  if (norm.mean.size() != channels || norm.std.size() != channels) {
    throw DataError("{} mean and {} std values were given for images of {} channels; give one of each per channel",
                    norm.mean.size(), norm.std.size(), channels);
  }
  for (int x = 0; x < output.width; ++x) {
    for (std::size_t c = 0; c < channels; ++c) {
      scale_.push_back(static_cast<float>(1.0 / (255.0 * norm.std[c])));
      shift_.push_back(static_cast<float>(-norm.mean[c] / norm.std[c]));
    }
  }
}

void PixelWriter::write(std::span<const std::uint8_t> image, const Placement& placement, float* out) const {
  const Box& box = placement.box;
  if (box.height == output_.height && box.width == output_.width) return copy(image, placement, out);
  const auto channels = static_cast<std::size_t>(source_.channels);
  resample(image, source_, axis_taps(box.top, box.height, source_.height, output_.height),
           axis_taps(box.left, box.width, source_.width, output_.width, placement.flip),
           std::span(scale_).first(channels), std::span(shift_).first(channels), out);
}

void PixelWriter::copy(std::span<const std::uint8_t> image, const Placement& placement, float* out) const {
  const Box& box = placement.box;
  const int channels = source_.channels, row_floats = box.width * channels;
  // The columns of the box inside the image. The others are black, which is `shift` after normalisation.
  const int left = std::clamp(box.left, 0, source_.width);
  const int count = std::clamp(box.left + box.width, left, source_.width) - left;
  const int to_their_left = placement.flip ? box.left + box.width - left - count : left - box.left;
  const int first = std::clamp(to_their_left, 0, box.width), last = first + count;
  std::vector<std::uint8_t> mirrored(placement.flip ? std::size_t(count) * std::size_t(channels) + 1 : 0);
  for (int y = 0; y < box.height; ++y, out += row_floats) {
    const int source_y = box.top + y;
    if (source_y < 0 || source_y >= source_.height || count == 0) {
      std::copy_n(shift_.data(), row_floats, out);
      continue;
    }
    const std::uint8_t* row =
        image.data() + (std::size_t(source_y) * std::size_t(source_.width) + std::size_t(left)) * std::size_t(channels);
    if (placement.flip) {
      mirror_row(row, count, channels, mirrored.data());
      row = mirrored.data();
    }
    std::copy_n(shift_.data(), first * channels, out);
    scale_row(row, scale_.data(), shift_.data(), out + first * channels, count * channels);
    std::copy_n(shift_.data() + last * channels, (box.width - last) * channels, out + last * channels);
  }
}

}  // namespace pleat
