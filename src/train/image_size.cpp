#include "train/image_size.h"

#include <algorithm>
#include <cmath>

namespace pleat {
namespace {

constexpr int kStep = 4;  // pixels; smaller steps save no time, and each new size has to prepare its kernels

int near_multiple(double pixels, int most) {
  const int steps = std::max(1, static_cast<int>(std::lround(pixels / kStep)));
  return std::min(most, steps * kStep);
}

}  // namespace

ImageShape epoch_image_size(const TrainConfig& config, std::int64_t epoch, const ImageShape& full) {
  const ProgressiveConfig& progressive = config.progressive;
  const int side = std::min(full.height, full.width);
  const double begin = progressive.delay * static_cast<double>(config.epochs);
  const double end = progressive.until * static_cast<double>(config.epochs);
  const auto at = static_cast<double>(epoch);
  if (progressive.from == 0 || progressive.from >= side || at >= end || epoch + 1 >= config.epochs) return full;
  const double from = static_cast<double>(progressive.from), grown = at <= begin ? 0.0 : (at - begin) / (end - begin);
  const int now = near_multiple(from + (side - from) * grown, side);
  const double scale = static_cast<double>(now) / side;
  return {near_multiple(full.height * scale, full.height), near_multiple(full.width * scale, full.width),
          full.channels};
}

}  // namespace pleat
