#include "data/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/pixel_writer.h"

namespace pleat {
namespace {

std::vector<std::uint8_t> noise(const ImageShape& shape, std::uint64_t seed = 1) {
  RandomStream random({.seed = seed});
  std::vector<std::uint8_t> image(shape.bytes());
  for (auto& pixel : image) pixel = static_cast<std::uint8_t>(random.below(256));
  return image;
}

PixelNorm plain_norm(int channels) {
  return {std::vector<double>(std::size_t(channels), 0.0), std::vector<double>(std::size_t(channels), 1.0)};
}

std::vector<float> shown(const std::vector<std::uint8_t>& image, const ImageShape& shape, const ImageShape& output,
                         const Placement& place) {
  std::vector<float> out(output.bytes());
  PixelWriter(shape, output, plain_norm(shape.channels)).write(image, place, out.data());
  return out;
}

// The weight of an input at distance `d` (in inputs) from an output's centre, before weights are scaled to sum to one.
double triangle(double d, double scale) { return std::max(0.0, 1.0 - std::abs(d) / std::max(1.0, scale)); }

// One output pixel the slow way: visits every pixel of the box, in double precision.
double reference(const std::vector<std::uint8_t>& image, const ImageShape& shape, const ImageShape& output,
                 const Placement& place, int y, int x, int c) {
  const Box& box = place.box;
  const double down = double(box.height) / output.height, across = double(box.width) / output.width;
  const double cy = (y + 0.5) * down, cx = ((place.flip ? output.width - 1 - x : x) + 0.5) * across;
  double sum = 0, weights = 0;
  for (int i = 0; i < box.height; ++i) {
    for (int j = 0; j < box.width; ++j) {
      const double weight = triangle(i + 0.5 - cy, down) * triangle(j + 0.5 - cx, across);
      const int sy = box.top + i, sx = box.left + j;
      const bool inside = sy >= 0 && sy < shape.height && sx >= 0 && sx < shape.width;
      weights += weight;
      if (inside) sum += weight * image[std::size_t((sy * shape.width + sx) * shape.channels + c)];
    }
  }
  return sum / weights / 255.0;
}

struct Case {
  ImageShape shape;
  int height, width;  // of the output
  Box box;
};
const std::vector<Case> kCases{
    {{20, 24, 3}, 20, 24, {3, 5, 13, 16}},  // as a resized crop
    {{20, 24, 1}, 20, 24, {0, 8, 20, 16}},  // one axis stays unchanged
    {{20, 24, 3}, 8, 12, {0, 0, 20, 24}},   // smaller
    {{20, 24, 1}, 8, 12, {-3, 4, 20, 24}},  // smaller, shifted out at the top and on the right
    {{20, 24, 3}, 12, 8, {4, -4, 20, 24}},  // at the bottom and on the left
    {{20, 24, 3}, 16, 20, {2, 2, 9, 21}},   // one axis grows, the other shrinks
    {{20, 24, 3}, 8, 8, {-30, 2, 20, 24}},  // the image is outside the box
    {{1, 40, 3}, 8, 8, {0, 3, 1, 2}},       // a line
    {{40, 1, 1}, 8, 8, {0, 0, 40, 1}},      // and a column
    {{5, 5, 3}, 1, 1, {0, 0, 5, 5}},        // to one pixel
    {{1, 1, 3}, 4, 4, {0, 0, 1, 1}},        // and from one
};

TEST(Resample, IsTheTriangleFilterOfEveryPixelInTheBox) {
  for (const Case& one : kCases) {
    const ImageShape output{one.height, one.width, one.shape.channels};
    const auto image = noise(one.shape);
    for (const bool flip : {false, true}) {
      const Placement place{one.box, flip};
      const auto out = shown(image, one.shape, output, place);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const int c = int(i) % output.channels, x = int(i) / output.channels % output.width;
        const int y = int(i) / output.channels / output.width;
        ASSERT_NEAR(out[i], reference(image, one.shape, output, place, y, x, c), 1e-6)
            << one.shape.height << "x" << one.shape.width << " to " << one.height << "x" << one.width << ": " << y
            << "," << x << "," << c << " flip " << flip;
      }
    }
  }
}

// torch.nn.functional.interpolate(x, size=(1, n), mode="bilinear", antialias=True), x the squares of 0 to 9.
TEST(Resample, GivesWhatTorchsAntialiasedBilinearGives) {
  std::vector<std::uint8_t> squares(10);
  for (std::size_t i = 0; i < squares.size(); ++i) squares[i] = static_cast<std::uint8_t>(i * i);
  const ImageShape shape{1, 10, 1};
  const std::vector<std::vector<float>> torchs{{1.72727F, 11.56F, 34.24F, 64.7273F},
                                               {1.0F, 7.0F, 21.0F, 43.0F, 69.1429F},
                                               {0.346154F, 2.96296F, 9.77419F, 20.5F, 35.6129F, 54.6296F, 75.1154F},
                                               {0.0F, 0.653846F, 2.26923F, 4.96154F, 8.80769F, 14.1154F, 20.5F,
                                                27.9615F, 36.5F, 46.5F, 57.6539F, 69.8846F, 81.0F}};
  for (const auto& wanted : torchs) {
    const int width = static_cast<int>(wanted.size());
    const auto out = shown(squares, shape, {1, width, 1}, {.box = whole_image(shape)});
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(out[i] * 255.0F, wanted[i], 1e-4) << width << ": " << i;
  }
}

TEST(Resample, AConstantImageStaysConstant) {
  for (const Case& one : kCases) {
    const Box within{one.shape.height / 3, one.shape.width / 3, one.shape.height - one.shape.height / 3,
                     one.shape.width - one.shape.width / 3};
    const std::vector<std::uint8_t> image(one.shape.bytes(), 151);
    for (const float value : shown(image, one.shape, {one.height, one.width, one.shape.channels}, {within, true}))
      ASSERT_NEAR(value, 151.0F / 255.0F, 1e-6);
  }
}

TEST(Resample, KeepsTheMeanWhereTheImageShrinksByAWholeNumber) {
  // Away from the borders all inputs have equal weight. A black frame removes the effect of the borders.
  const ImageShape shape{48, 48, 1};
  auto image = noise(shape);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 48; ++x) {
      if (y < 8 || x < 8 || y >= 40 || x >= 40) image[std::size_t(y * 48 + x)] = 0;
    }
  }
  const double mean = std::accumulate(image.begin(), image.end(), 0.0) / double(image.size()) / 255.0;
  for (const int side : {24, 16, 12}) {
    const auto out = shown(image, shape, {side, side, 1}, {.box = whole_image(shape)});
    EXPECT_NEAR(std::accumulate(out.begin(), out.end(), 0.0) / double(out.size()), mean, 1e-5) << side;
  }
}

TEST(Resample, AnAxisThatKeepsItsSizeIsCopiedExactly) {
  const AxisTaps taps = axis_taps(2, 5, 9, 5);
  EXPECT_EQ(taps.taps, 2);
  for (int i = 0; i < 5; ++i) {
    for (int t = 0; t < 2; ++t)
      EXPECT_EQ(taps.weights[std::size_t(2 * i + t)], taps.first[std::size_t(i)] + t == 2 + i ? 1.0F : 0.0F);
  }
}

TEST(Resample, TheMirrorImageIsTheSameTheOtherWayRound) {
  const ImageShape shape{20, 24, 3}, output{12, 16, 3};
  const auto image = noise(shape);
  const Placement place{.box = {1, 3, 15, 18}};
  const auto straight = shown(image, shape, output, place), mirrored = shown(image, shape, output, {place.box, true});
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 16; ++x) {
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(straight[std::size_t((y * 16 + x) * 3 + c)], mirrored[std::size_t((y * 16 + 15 - x) * 3 + c)]);
    }
  }
}

TEST(Resample, GivesTheSameBitsEachTimeAndInAnyChannel) {
  const ImageShape gray{20, 24, 1}, rgb{20, 24, 3};
  const auto image = noise(rgb);
  const Placement place{.box = {1, 3, 15, 18}, .flip = true};
  const auto first = shown(image, rgb, {32, 32, 3}, place);
  EXPECT_EQ(first, shown(image, rgb, {32, 32, 3}, place));
  std::vector<std::uint8_t> channel(gray.bytes());
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < channel.size(); ++i) channel[i] = image[3 * i + c];
    const auto alone = shown(channel, gray, {32, 32, 1}, place);
    for (std::size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(alone[i], first[3 * i + c], 1e-6);
  }
}

}  // namespace
}  // namespace pleat
