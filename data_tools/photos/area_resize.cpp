#include "data_tools/photos/area_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Compiled for several vector widths, chosen at run time. Integer arithmetic gives the same result for all widths.
#define PLEAT_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))

namespace pleat {
namespace {

constexpr std::uint32_t kOne = 65536;

PLEAT_WIDE void add_row(const std::uint8_t* __restrict row, std::uint32_t weight, std::uint32_t* __restrict sums,
                        std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += weight * row[i];
}

// Rounds sums of 24 bits to 16, so that the product with a second weight fits 32 bits.
PLEAT_WIDE void narrow(std::uint32_t* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = (sums[i] + 128) >> 8;
}

std::uint8_t to_pixel(std::uint32_t sum) { return static_cast<std::uint8_t>((sum + (1U << 23)) >> 24); }

// One register: the three channels of a pixel, and one more value that is ignored.
using Four = std::uint32_t __attribute__((vector_size(16)));

PLEAT_WIDE void mix_rgb(const std::uint32_t* blended, const AreaTaps& columns, std::uint8_t* out) {
  const auto taps = static_cast<std::size_t>(columns.taps);
  const std::uint32_t* weights = columns.weights.data();
  for (const int first : columns.first) {
    const std::uint32_t* in = blended + 3 * static_cast<std::size_t>(first);
    Four sum{};
    for (std::size_t t = 0; t < taps; ++t) {
      Four value;
      std::memcpy(&value, in + 3 * t, sizeof(value));
      sum += weights[t] * value;
    }
    sum = (sum + (1U << 23)) >> 24;
    for (int c = 0; c < 3; ++c) *out++ = static_cast<std::uint8_t>(sum[c]);
    weights += taps;
  }
}

void mix_gray(const std::uint32_t* blended, const AreaTaps& columns, std::uint8_t* out) {
  const auto taps = static_cast<std::size_t>(columns.taps);
  const std::uint32_t* weights = columns.weights.data();
  for (const int first : columns.first) {
    std::uint32_t sum = 0;
    for (std::size_t t = 0; t < taps; ++t) sum += weights[t] * blended[static_cast<std::size_t>(first) + t];
    *out++ = to_pixel(sum);
    weights += taps;
  }
}

// The inputs that one output averages.
struct Share {
  int first = 0;
  std::vector<double> upto;  // total share of the inputs up to each one; ends with 1
};

Share area_share(double from, double to, int size) {
  Share share{.first = std::clamp(static_cast<int>(std::floor(from)), 0, size - 1)};
  const int last = std::clamp(static_cast<int>(std::ceil(to)) - 1, share.first, size - 1);
  for (int i = share.first; i < last; ++i) share.upto.push_back(std::clamp((i + 1 - from) / (to - from), 0.0, 1.0));
  share.upto.push_back(1);
  return share;
}

Share linear_share(double centre, int lowest, int highest) {
  const double at = std::clamp(centre - 0.5, double(lowest), double(highest));
  const int first = std::min(static_cast<int>(at), std::max(lowest, highest - 1));
  if (first == highest) return {first, {1}};
  return {first, {1 - (at - first), 1}};
}

Share share_of(const AxisPart& part, int size, double scale, int output) {
  if (scale >= 1) return area_share(part.begin + output * scale, part.begin + (output + 1) * scale, size);
  const int lowest = std::clamp(static_cast<int>(std::floor(part.begin)), 0, size - 1);
  const int highest = std::clamp(static_cast<int>(std::ceil(part.begin + part.extent)) - 1, lowest, size - 1);
  return linear_share(part.begin + (output + 0.5) * scale, lowest, highest);
}

}  // namespace

AreaTaps area_taps(const AxisPart& part, int size, int outputs) {
  const double scale = part.extent / outputs;
  AreaTaps axis{.taps = std::min(size, static_cast<int>(std::ceil(std::max(scale, 1.0))) + 1)};
  axis.first.resize(static_cast<std::size_t>(outputs));
  axis.weights.resize(axis.first.size() * static_cast<std::size_t>(axis.taps));
  for (int output = 0; output < outputs; ++output) {
    const Share share = share_of(part, size, scale, output);
    const auto at = static_cast<std::size_t>(part.mirrored ? outputs - 1 - output : output);
    const int first = std::min(share.first, size - axis.taps);
    axis.first[at] = first;
    std::uint32_t* weights = &axis.weights[at * static_cast<std::size_t>(axis.taps)] + (share.first - first);
    std::uint32_t given = 0;
    for (const double upto : share.upto) {  // rounds the running sums, so that the weights sum to exactly one
      const auto sum = static_cast<std::uint32_t>(std::lround(upto * kOne));
      *weights++ = sum - given;
      given = sum;
    }
  }
  return axis;
}

Picture area_resize(const Picture& picture, const AreaTaps& rows, const AreaTaps& columns) {
  Picture small = new_picture(columns.first.size(), rows.first.size(), picture.channels);
  const std::size_t count = picture.row_values();
  const auto taps = static_cast<std::size_t>(rows.taps);
  std::vector<std::uint32_t> blended(count + 1);  // mix_rgb loads a fourth value after the last pixel
  for (std::size_t y = 0; y < rows.first.size(); ++y) {
    std::fill(blended.begin(), blended.end(), 0);
    for (std::size_t t = 0; t < taps; ++t) {
      const std::uint32_t weight = rows.weights[y * taps + t];
      if (weight == 0) continue;
      const std::size_t row = static_cast<std::size_t>(rows.first[y]) + t;
      add_row(picture.values.data() + row * count, weight, blended.data(), count);
    }
    narrow(blended.data(), count);
    (picture.channels == 3 ? mix_rgb : mix_gray)(blended.data(), columns, &small.values[y * small.row_values()]);
  }
  return small;
}

}  // namespace pleat
