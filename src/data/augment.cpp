#include "data/augment.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace pleat {
namespace {

// Compiled for wide registers too and chosen at run time: this loop is most of what feeding a batch costs.
__attribute__((target_clones("avx512f", "avx2", "default"))) void scale_row(const std::uint8_t* in, const float* scale,
                                                                            const float* shift, float* out, int count) {
  for (int i = 0; i < count; ++i) out[i] = scale[i] * static_cast<float>(in[i]) + shift[i];
}

}  // namespace

PixelNorm measure_pixels(const CropFile& crops, std::span<const std::int64_t> rows, std::size_t most_rows) {
  if (rows.empty()) throw DataError("{} has no rows to measure pixels on", crops.path().string());
  const auto channels = static_cast<std::size_t>(crops.shape().channels);
  std::vector<std::uint64_t> sum(channels), squares(channels);
  const std::size_t stride = (rows.size() + most_rows - 1) / most_rows;
  std::uint64_t pixels = 0;
  for (std::size_t i = 0; i < rows.size(); i += stride) {
    const auto image = crops.image(static_cast<std::size_t>(rows[i]));
    for (std::size_t c = 0; c < channels; ++c) {
      std::uint64_t s = 0, q = 0;
      for (std::size_t p = c; p < image.size(); p += channels) {
        s += image[p];
        q += std::uint64_t{image[p]} * image[p];
      }
      sum[c] += s;
      squares[c] += q;
    }
    pixels += image.size() / channels;
  }
  PixelNorm norm;
  for (std::size_t c = 0; c < channels; ++c) {
    const double n = static_cast<double>(pixels), mean = static_cast<double>(sum[c]) / n;
    const double variance = std::max(0.0, static_cast<double>(squares[c]) / n - mean * mean);
    norm.mean.push_back(mean / 255.0);
    norm.std.push_back(variance > 0 ? std::sqrt(variance) / 255.0 : 1.0);
  }
  return norm;
}

Placement draw_placement(const AugmentConfig& config, RandomStream& random) {
  Placement placement;
  if (config.flip) placement.flip = random.below(2) == 1;
  if (config.pad > 0) {
    const auto span = static_cast<std::uint32_t>(2 * config.pad + 1);
    placement.dy = static_cast<int>(random.below(span)) - static_cast<int>(config.pad);
    placement.dx = static_cast<int>(random.below(span)) - static_cast<int>(config.pad);
  }
  return placement;
}

PixelWriter::PixelWriter(const ImageShape& shape, const PixelNorm& norm) : shape_(shape) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  if (norm.mean.size() != channels || norm.std.size() != channels) {
    throw DataError("{} mean and {} std values were given for images of {} channels; give one of each per channel",
                    norm.mean.size(), norm.std.size(), channels);
  }
  for (int x = 0; x < shape.width; ++x) {
    for (std::size_t c = 0; c < channels; ++c) {
      scale_.push_back(static_cast<float>(1.0 / (255.0 * norm.std[c])));
      shift_.push_back(static_cast<float>(-norm.mean[c] / norm.std[c]));
    }
  }
}

void PixelWriter::write(std::span<const std::uint8_t> image, const Placement& placement, float* out) const {
  const int width = shape_.width, channels = shape_.channels, row_floats = width * channels;
  // Output column x shows input column x - dx; columns outside the image are black, which is `shift` after normalising.
  const int first = std::clamp(placement.dx, 0, width), last = std::clamp(width + placement.dx, first, width);
  std::vector<std::uint8_t> mirrored(placement.flip ? static_cast<std::size_t>(row_floats) : 0);
  for (int y = 0; y < shape_.height; ++y, out += row_floats) {
    const int source_y = y - placement.dy;
    if (source_y < 0 || source_y >= shape_.height) {
      std::copy_n(shift_.data(), row_floats, out);
      continue;
    }
    const std::uint8_t* row = image.data() + std::size_t(source_y) * std::size_t(row_floats);
    if (placement.flip) {
      for (int x = 0; x < width; ++x)
        std::copy_n(row + (width - 1 - x) * channels, channels, mirrored.data() + x * channels);
      row = mirrored.data();
    }
    std::copy_n(shift_.data(), first * channels, out);
    scale_row(row + (first - placement.dx) * channels, scale_.data(), shift_.data(), out + first * channels,
              (last - first) * channels);
    std::copy_n(shift_.data() + last * channels, (width - last) * channels, out + last * channels);
  }
}

}  // namespace pleat
