#include "data/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Compiled for several vector widths, chosen at run time: these loops are most of the cost of loading a batch.
#define PLEAT_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#define PLEAT_INLINE inline __attribute__((always_inline))  // into each clone, with its vector width

namespace pleat {
namespace {

PLEAT_WIDE void set_to_two_rows(const std::uint8_t* __restrict a, float weight_a, const std::uint8_t* __restrict b,
                                float weight_b, float* __restrict out, int count) {
  for (int i = 0; i < count; ++i) out[i] = weight_a * static_cast<float>(a[i]) + weight_b * static_cast<float>(b[i]);
}

PLEAT_WIDE void add_two_rows(const std::uint8_t* __restrict a, float weight_a, const std::uint8_t* __restrict b,
                             float weight_b, float* __restrict out, int count) {
  for (int i = 0; i < count; ++i) out[i] += weight_a * static_cast<float>(a[i]) + weight_b * static_cast<float>(b[i]);
}

// Writes the weighted sum of the rows, two at a time.
void blend_rows(const std::uint8_t* rows, std::size_t row_bytes, std::span<const float> weights, float* out,
                int count) {
  bool begun = false;
  for (std::size_t t = 0; t < weights.size(); t += 2) {
    const bool pair = t + 1 < weights.size();
    const float one = weights[t], two = pair ? weights[t + 1] : 0.0F;
    if (one == 0.0F && two == 0.0F) continue;
    const std::uint8_t *a = rows + t * row_bytes, *b = pair ? a + row_bytes : a;
    (begun ? add_two_rows : set_to_two_rows)(a, one, b, two, out, count);
    begun = true;
  }
  if (!begun) std::fill_n(out, count, 0.0F);
}

// The inputs of one output row: pixel x mixes columns of `in` from element first[x] on.
struct ColumnMix {
  const float* in;
  const int* first;
  const float* weights;
  int taps, outputs;
  const float *scale, *shift;
};

// One register: the three channels of a pixel and one more value. Interleaved channels need no shuffling.
using Four = float __attribute__((vector_size(16)));
PLEAT_INLINE Four load_four(const float* from) {
  Four value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

// kTaps: the number of taps if known to the compiler, else 0 for mix.taps.
template <int kTaps>
PLEAT_INLINE void mix_rgb_by(const ColumnMix& mix, float* __restrict out) {
  const int taps = kTaps ? kTaps : mix.taps;
  const Four scale{mix.scale[0], mix.scale[1], mix.scale[2], 0}, shift{mix.shift[0], mix.shift[1], mix.shift[2], 0};
  Four pixel{};
  for (int x = 0; x < mix.outputs; ++x) {
    // The next pixel overwrites the fourth lane. After the last pixel this lane would be foreign memory.
    if (x > 0) std::memcpy(out + 3 * (x - 1), &pixel, sizeof(pixel));
    const float *in = mix.in + mix.first[x], *weights = mix.weights + x * taps;
    Four sum = weights[0] * load_four(in);
    for (int t = 1; t < taps; ++t) sum += weights[t] * load_four(in + 3 * t);
    pixel = scale * sum + shift;
  }
  std::memcpy(out + 3 * (mix.outputs - 1), &pixel, 3 * sizeof(float));
}

template <int kTaps>
PLEAT_INLINE void mix_gray_by(const ColumnMix& mix, float* __restrict out) {
  const int taps = kTaps ? kTaps : mix.taps;
  const float scale = mix.scale[0], shift = mix.shift[0];
  for (int x = 0; x < mix.outputs; ++x) {
    float sum = 0;
    for (int t = 0; t < taps; ++t) sum += mix.weights[x * taps + t] * mix.in[mix.first[x] + t];
    out[x] = scale * sum + shift;
  }
}

PLEAT_WIDE void mix_rgb(const ColumnMix& mix, float* out) {
  if (mix.taps == 2) return mix_rgb_by<2>(mix, out);  // whenever the image grows
  mix_rgb_by<0>(mix, out);
}

PLEAT_WIDE void mix_gray(const ColumnMix& mix, float* out) {
  if (mix.taps == 2) return mix_gray_by<2>(mix, out);
  mix_gray_by<0>(mix, out);
}

}  // namespace

AxisTaps axis_taps(int begin, int extent, int size, int outputs, bool mirrored) {
  const double scale = static_cast<double>(extent) / outputs, reach = std::max(scale, 1.0), narrowing = 1.0 / reach;
  const int widest = static_cast<int>(std::ceil(2.0 * reach));  // inputs within reach of an output's centre
  AxisTaps axis{.taps = std::min(widest, size), .first = std::vector<int>(std::size_t(outputs))};
  axis.weights.resize(std::size_t(outputs) * std::size_t(axis.taps));
  std::vector<double> heights(std::size_t(widest), 0.0);
  for (int output = 0; output < outputs; ++output) {
    const double centre = (output + 0.5) * scale;
    const int from = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int to = std::min({extent, static_cast<int>(centre + reach + 0.5), from + widest});
    double sum = 0;
    for (int i = from; i < to; ++i) {
      const double height = std::max(0.0, 1.0 - std::abs(i + 0.5 - centre) * narrowing);
      heights[std::size_t(i - from)] = height;
      sum += height;
    }
    const int at = mirrored ? outputs - 1 - output : output;
    const int first = std::clamp(begin + from, 0, size - axis.taps);
    axis.first[std::size_t(at)] = first;
    float* weights = axis.weights.data() + at * axis.taps;
    for (int i = from; i < to; ++i) {
      const int tap = begin + i - first;  // inputs outside these taps are outside the axis
      if (tap >= 0 && tap < axis.taps) weights[tap] = static_cast<float>(heights[std::size_t(i - from)] / sum);
    }
  }
  return axis;
}

void resample(std::span<const std::uint8_t> image, const ImageShape& shape, const AxisTaps& rows,
              const AxisTaps& columns, std::span<const float> scale, std::span<const float> shift, float* out) {
  const auto [leftmost, rightmost] = std::minmax_element(columns.first.begin(), columns.first.end());
  const int left = *leftmost, count = (*rightmost + columns.taps - left) * shape.channels;
  const auto row_bytes = static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels);
  std::vector<float> blended(std::size_t(count) + 1);  // the last pixel's fourth lane
  std::vector<int> first;
  for (const int column : columns.first) first.push_back((column - left) * shape.channels);
  const ColumnMix mix{.in = blended.data(),
                      .first = first.data(),
                      .weights = columns.weights.data(),
                      .taps = columns.taps,
                      .outputs = static_cast<int>(first.size()),
                      .scale = scale.data(),
                      .shift = shift.data()};
  const auto taps = static_cast<std::size_t>(rows.taps);
  for (std::size_t y = 0; y < rows.first.size(); ++y, out += first.size() * std::size_t(shape.channels)) {
    blend_rows(image.data() + std::size_t(rows.first[y]) * row_bytes + left * shape.channels, row_bytes,
               std::span(rows.weights).subspan(y * taps, taps), blended.data(), count);
    (shape.channels == 3 ? mix_rgb : mix_gray)(mix, out);
  }
}

}  // namespace pleat
