#include "data/pixel_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <tuple>

#include "base/error.h"

namespace pleat {
namespace {

// A shift by (dy, dx) of the image, or of its mirror image.
Placement shifted(const ImageShape& shape, int dy, int dx, bool flip) {
  return {.box = {-dy, flip ? dx : -dx, shape.height, shape.width}, .flip = flip};
}

// The plain way: looks up the source of each output pixel.
std::vector<float> expected(const std::vector<std::uint8_t>& image, const ImageShape& shape, const PixelNorm& norm,
                            const Placement& place) {
  const Box& box = place.box;
  std::vector<float> out;
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      for (int c = 0; c < shape.channels; ++c) {
        const int sy = box.top + y, sx = box.left + (place.flip ? box.width - 1 - x : x);
        const bool inside = sy >= 0 && sy < shape.height && sx >= 0 && sx < shape.width;
        const double pixel = inside ? image[std::size_t((sy * shape.width + sx) * shape.channels + c)] : 0.0;
        out.push_back(static_cast<float>((pixel / 255.0 - norm.mean[std::size_t(c)]) / norm.std[std::size_t(c)]));
      }
    }
  }
  return out;
}

const std::vector<std::tuple<int, int, bool>> kShifts{{0, 0, false}, {1, -2, false}, {-2, 3, true},   {0, 7, false},
                                                      {0, -8, true}, {9, 0, true},   {-9, -9, false}, {0, 0, true}};

TEST(PixelWriter, ShiftsFlipsAndNormalisesAsThePlainLoopDoes) {
  for (const int channels : {1, 3}) {
    const ImageShape shape{5, 7, channels};
    std::vector<std::uint8_t> image(shape.bytes());
    std::iota(image.begin(), image.end(), std::uint8_t{1});
    const PixelNorm norm{std::vector<double>(std::size_t(channels), 0.4),
                         std::vector<double>(std::size_t(channels), 0.2)};
    const PixelWriter writer(shape, shape, norm);
    for (const auto& [dy, dx, flip] : kShifts) {
      const Placement place = shifted(shape, dy, dx, flip);
      std::vector<float> out(shape.bytes(), -99.0F);
      writer.write(image, place, out.data());
      const std::vector<float> wanted = expected(image, shape, norm, place);
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], wanted[i], 1e-5) << "element " << i << " at " << dy << "," << dx << " flip " << flip;
      }
    }
  }
}

TEST(PixelWriter, AsksForAMeanAndStdPerChannel) {
  EXPECT_THROW(PixelWriter({4, 4, 3}, {4, 4, 3}, {{0.5}, {0.5}}), DataError);
}

TEST(PixelWriter, ABoxOfTheOutputsSizeIsCopiedFromWhereverItLies) {
  const ImageShape shape{9, 11, 3}, output{4, 5, 3};
  std::vector<std::uint8_t> image(shape.bytes());
  std::iota(image.begin(), image.end(), std::uint8_t{3});
  const PixelNorm norm{{0.4, 0.5, 0.6}, {0.2, 0.3, 0.4}};
  const PixelWriter writer(shape, output, norm);
  for (const bool flip : {false, true}) {
    for (const auto& [top, left] : {std::pair{0, 0}, {5, 6}, {-2, 8}, {7, -3}}) {
      const Placement place{.box = {top, left, 4, 5}, .flip = flip};
      std::vector<float> out(output.bytes());
      writer.write(image, place, out.data());
      const std::vector<float> wanted = expected(image, shape, norm, place);
      for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], wanted[i], 1e-5) << top << "," << left;
    }
  }
}

// No reader may look beyond the last image, whose end may be the end of the mapping.
TEST(PixelWriter, ReadsAndWritesNothingBeyondTheImage) {
  for (const int channels : {1, 3}) {
    const ImageShape shape{6, 7, channels};
    const PixelNorm norm{std::vector<double>(std::size_t(channels), 0.4),
                         std::vector<double>(std::size_t(channels), 0.2)};
    for (const ImageShape output : {shape, ImageShape{4, 4, channels}, ImageShape{13, 9, channels}}) {
      const PixelWriter writer(shape, output, norm);
      for (const Box box : {whole_image(shape), Box{2, 3, 4, 4}, Box{-1, -1, 6, 7}, Box{5, 6, 1, 1}}) {
        for (const bool flip : {false, true}) {
          const auto image = std::make_unique<std::uint8_t[]>(shape.bytes());  // exact size, for sanitizers
          std::memset(image.get(), 200, shape.bytes());
          std::vector<float> out(output.bytes() + 8, -77.0F);
          writer.write({image.get(), shape.bytes()}, {box, flip}, out.data());
          for (std::size_t i = output.bytes(); i < out.size(); ++i) ASSERT_EQ(out[i], -77.0F);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pleat
