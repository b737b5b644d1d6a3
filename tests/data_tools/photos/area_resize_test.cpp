#include "data_tools/photos/area_resize.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

namespace pleat {
namespace {

using testing::Each;
using testing::ElementsAre;

Picture noise(int width, int height, int channels) {
  Picture picture = new_picture(std::size_t(width), std::size_t(height), channels);
  std::uint32_t state = 1;
  for (auto& value : picture.values) value = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return picture;
}

// The part of input i that lies in the output's share of the axis, in inputs.
double overlap(const AxisPart& part, int outputs, int output, int i) {
  const double scale = part.extent / outputs, from = part.begin + output * scale;
  return std::max(0.0, std::min(from + scale, i + 1.0) - std::max(from, double(i))) / scale;
}

TEST(AreaTaps, SumToOneAndStayWithinTheAxis) {
  for (const auto& [begin, extent, size] : {std::tuple{0.0, 7.0, 7},
                                            {0.25, 5.5, 7},
                                            {2.0, 1.0, 7},
                                            {0.0, 1.0, 1},
                                            {0.0, 99999.0, 99999},
                                            {0.0, 62.5, 63},
                                            {6.9, 0.1, 7}}) {
    for (const int outputs : {1, 3, 7, 64}) {
      const AreaTaps axis = area_taps({begin, extent}, size, outputs);
      for (int output = 0; output < outputs; ++output) {
        const auto at = axis.weights.begin() + output * axis.taps;
        EXPECT_EQ(std::accumulate(at, at + axis.taps, 0U), 65536U);
        EXPECT_GE(axis.first[std::size_t(output)], 0);
        EXPECT_LE(axis.first[std::size_t(output)] + axis.taps, size);
      }
    }
  }
}

TEST(AreaTaps, AreSharesOfTheArea) {
  for (const AxisPart& part : {AxisPart{0, 10}, AxisPart{0.4, 9.1}, AxisPart{3.25, 6.75}}) {
    const AreaTaps axis = area_taps(part, 10, 3);
    for (int output = 0; output < 3; ++output) {
      for (int tap = 0; tap < axis.taps; ++tap) {
        const int input = axis.first[std::size_t(output)] + tap;
        EXPECT_NEAR(axis.weights[std::size_t(output * axis.taps + tap)] / 65536.0, overlap(part, 3, output, input),
                    2e-5);
      }
    }
  }
}

TEST(AreaResize, IsTheMeanOfEachArea) {
  for (const int channels : {1, 3}) {
    const Picture picture = noise(37, 23, channels);
    const AxisPart rows{1.5, 20.25}, columns{0, 37};
    const Picture small = area_resize(picture, area_taps(rows, 23, 6), area_taps(columns, 37, 5));
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 5; ++x) {
        for (int c = 0; c < channels; ++c) {
          double sum = 0;
          for (int i = 0; i < 23; ++i) {
            for (int j = 0; j < 37; ++j) {
              sum += overlap(rows, 6, y, i) * overlap(columns, 5, x, j) *
                     picture.values[std::size_t((i * 37 + j) * channels + c)];
            }
          }
          EXPECT_NEAR(small.values[std::size_t((y * 5 + x) * channels + c)], sum, 0.52);
        }
      }
    }
  }
}

TEST(AreaResize, OfTheSameSizeChangesNothingAndMirrorsOnRequest) {
  const Picture picture = noise(6, 4, 3);
  const AreaTaps rows = area_taps({0, 4}, 4, 4), mirrored = area_taps({0, 6, true}, 6, 6);
  EXPECT_EQ(area_resize(picture, rows, area_taps({0, 6}, 6, 6)).values, picture.values);
  const Picture turned = area_resize(picture, rows, mirrored);
  for (std::size_t y = 0; y < 4; ++y) {
    for (std::size_t x = 0; x < 6; ++x) EXPECT_EQ(turned.values[(y * 6 + x) * 3], picture.values[(y * 6 + 5 - x) * 3]);
  }
}

TEST(AreaResize, InterpolatesWhereItGrows) {
  Picture two = new_picture(2, 1, 1);
  two.values = {0, 200};
  EXPECT_THAT(area_resize(two, area_taps({0, 1}, 1, 1), area_taps({0, 2}, 2, 4)).values, ElementsAre(0, 50, 150, 200));
  Picture dot = new_picture(1, 1, 3);
  dot.values = {7, 7, 7};
  EXPECT_THAT(area_resize(dot, area_taps({0, 1}, 1, 9), area_taps({0, 1}, 1, 5)).values, Each(7));
}

TEST(AreaResize, KeepsWhiteWhite) {
  Picture white = new_picture(1001, 999, 3);
  std::fill(white.values.begin(), white.values.end(), 255);
  EXPECT_THAT(area_resize(white, area_taps({0, 999}, 999, 7), area_taps({0, 1001}, 1001, 300)).values, Each(255));
}

}  // namespace
}  // namespace pleat
