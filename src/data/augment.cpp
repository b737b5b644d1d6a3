#include "data/augment.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace pleat {
namespace {

// Returns a part of the image with random area and aspect ratio. If none of ten draws fits, returns the largest centred
// part within the bounds of the aspect ratio.
Box draw_crop(double smallest_share, const ImageShape& shape, RandomStream& random) {
  constexpr double kNarrowest = 3.0 / 4.0, kWidest = 4.0 / 3.0;  // width / height
  const auto whole = [](double pixels) { return static_cast<int>(std::nearbyint(pixels)); };
  const double area = static_cast<double>(shape.height) * shape.width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double share = smallest_share + (1.0 - smallest_share) * random.uniform();
    const double ratio = std::exp(std::log(kNarrowest) + std::log(kWidest / kNarrowest) * random.uniform());
    const int width = whole(std::sqrt(area * share * ratio)), height = whole(std::sqrt(area * share / ratio));
    if (width < 1 || width > shape.width || height < 1 || height > shape.height) continue;
    const auto rows = static_cast<std::uint32_t>(shape.height - height + 1);
    const auto columns = static_cast<std::uint32_t>(shape.width - width + 1);
    const int top = static_cast<int>(random.below(rows)), left = static_cast<int>(random.below(columns));
    return {top, left, height, width};
  }
  const int width = std::min(shape.width, whole(shape.height * kWidest));
  const int height = std::min(shape.height, whole(shape.width / kNarrowest));
  return {(shape.height - height) / 2, (shape.width - width) / 2, height, width};
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

Box whole_image(const ImageShape& shape) { return {.height = shape.height, .width = shape.width}; }

Placement draw_placement(const AugmentConfig& config, const ImageShape& shape, RandomStream& random,
                         std::optional<bool> mirrored) {
  Placement placement{.box = whole_image(shape)};
  if (config.flip) {
    const bool drawn = random.below(2) == 1;
    placement.flip = mirrored.value_or(drawn);
  }
  if (config.resized_crop < 1.0) {
    placement.box = draw_crop(config.resized_crop, shape, random);
  } else if (config.pad > 0) {
    const auto span = static_cast<std::uint32_t>(2 * config.pad + 1);
    const int down = static_cast<int>(random.below(span)) - static_cast<int>(config.pad);
    const int right = static_cast<int>(random.below(span)) - static_cast<int>(config.pad);
    placement.box.top = -down;
    placement.box.left = placement.flip ? right : -right;  // the mirrored image moves
  }
  return placement;
}

}  // namespace pleat
