#include "data/augment.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"

namespace pleat {
namespace {

// The plain way: for each output pixel, where does it come from?
std::vector<float> expected(const std::vector<std::uint8_t>& image, const ImageShape& shape, const PixelNorm& norm,
                            const Placement& place) {
  std::vector<float> out;
  for (int y = 0; y < shape.height; ++y) {
    for (int x = 0; x < shape.width; ++x) {
      for (int c = 0; c < shape.channels; ++c) {
        const int sy = y - place.dy, shifted = x - place.dx;
        const int sx = place.flip ? shape.width - 1 - shifted : shifted;
        const bool inside = sy >= 0 && sy < shape.height && shifted >= 0 && shifted < shape.width;
        const double pixel = inside ? image[std::size_t((sy * shape.width + sx) * shape.channels + c)] : 0.0;
        out.push_back(static_cast<float>((pixel / 255.0 - norm.mean[std::size_t(c)]) / norm.std[std::size_t(c)]));
      }
    }
  }
  return out;
}

TEST(PixelWriter, ShiftsFlipsAndNormalisesAsThePlainLoopDoes) {
  for (const int channels : {1, 3}) {
    const ImageShape shape{5, 7, channels};
    std::vector<std::uint8_t> image(shape.bytes());
    std::iota(image.begin(), image.end(), std::uint8_t{1});
    const PixelNorm norm{std::vector<double>(std::size_t(channels), 0.4),
                         std::vector<double>(std::size_t(channels), 0.2)};
    const PixelWriter writer(shape, norm);
    for (const Placement place :
         {Placement{}, {1, -2, false}, {-2, 3, true}, {0, 7, false}, {9, 0, true}, {-9, -9, false}, {0, 0, true}}) {
      std::vector<float> out(shape.bytes(), -99.0F);
      writer.write(image, place, out.data());
      const std::vector<float> wanted = expected(image, shape, norm, place);
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], wanted[i], 1e-5)
            << "element " << i << " at " << place.dy << "," << place.dx << " flip " << place.flip;
      }
    }
  }
}

TEST(PixelWriter, AsksForAMeanAndStdPerChannel) { EXPECT_THROW(PixelWriter({4, 4, 3}, {{0.5}, {0.5}}), DataError); }

TEST(Placement, CoversEveryShiftAndBothSidesEvenly) {
  const AugmentConfig config{.flip = true, .pad = 1};
  int flips = 0, seen[3][3] = {};
  for (std::uint64_t sample = 0; sample < 9000; ++sample) {
    RandomStream random({.seed = 1, .purpose = Purpose::kAugment, .sample = sample});
    const Placement place = draw_placement(config, random);
    flips += place.flip;
    ++seen[place.dy + 1][place.dx + 1];
  }
  EXPECT_NEAR(flips, 4500, 200);
  for (const auto& row : seen) {
    for (const int count : row) EXPECT_NEAR(count, 1000, 150);
  }
}

TEST(Placement, OffMeansUntouched) {
  RandomStream random({.seed = 1});
  const Placement place = draw_placement({.flip = false, .pad = 0}, random);
  EXPECT_TRUE(place.dy == 0 && place.dx == 0 && !place.flip);
}

}  // namespace
}  // namespace pleat
