#include "data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pleat {
namespace {

constexpr ImageShape kShape{6, 8, 3};

TEST(Placement, CoversEveryShiftAndBothSidesEvenly) {
  const AugmentConfig config{.flip = true, .pad = 1};
  int flips = 0, seen[3][3] = {};
  for (std::uint64_t sample = 0; sample < 9000; ++sample) {
    RandomStream random({.seed = 1, .purpose = Purpose::kAugment, .sample = sample});
    const Placement place = draw_placement(config, kShape, random);
    flips += place.flip;
    ++seen[place.box.top + 1][place.box.left + 1];
    EXPECT_TRUE(place.box.height == 6 && place.box.width == 8);
  }
  EXPECT_NEAR(flips, 4500, 200);
  for (const auto& row : seen) {
    for (const int count : row) EXPECT_NEAR(count, 1000, 150);
  }
}

TEST(Placement, OffMeansUntouched) {
  RandomStream random({.seed = 1});
  const Placement place = draw_placement({.flip = false, .pad = 0}, kShape, random);
  EXPECT_TRUE(place.box == whole_image(kShape) && !place.flip);
}

// The same numbers as in the first version. Another order of draws would change every result.
TEST(Placement, AFlippedImageIsShiftedAfterItIsMirrored) {
  const AugmentConfig config{.flip = true, .pad = 3};
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    const RandomKey key{.seed = 5, .purpose = Purpose::kAugment, .sample = sample};
    RandomStream random(key), again(key);
    const Placement place = draw_placement(config, kShape, random);
    const bool flip = again.below(2) == 1;
    const int down = static_cast<int>(again.below(7)) - 3, right = static_cast<int>(again.below(7)) - 3;
    EXPECT_EQ(place.flip, flip);
    EXPECT_EQ(place.box, (Box{-down, flip ? right : -right, 6, 8}));
  }
}

struct Share {
  double smallest, mean;
};

Share shares_of_crops(const ImageShape& shape, double smallest_share) {
  const AugmentConfig config{.flip = true, .pad = 4, .resized_crop = smallest_share};
  Share share{1.0, 0.0};
  constexpr int kSamples = 4000;
  for (std::uint64_t sample = 0; sample < kSamples; ++sample) {
    RandomStream random({.seed = 2, .purpose = Purpose::kAugment, .sample = sample});
    const Box box = draw_placement(config, shape, random).box;
    EXPECT_TRUE(box.height >= 1 && box.width >= 1 && box.top >= 0 && box.left >= 0);
    EXPECT_TRUE(box.top + box.height <= shape.height && box.left + box.width <= shape.width);
    const double area = double(box.height) * box.width / (double(shape.height) * shape.width);
    share = {std::min(share.smallest, area), share.mean + area / kSamples};
  }
  return share;
}

TEST(Placement, ResizedCropsTakeEveryShareOfTheAreaFromTheSmallestOn) {
  const Share share = shares_of_crops({128, 128, 3}, 0.35);
  EXPECT_NEAR(share.smallest, 0.35, 0.02);
  EXPECT_NEAR(share.mean, 0.618, 0.01);  // less than (0.35 + 1) / 2: large crops that are not square do not fit
}

TEST(Placement, ResizedCropsOfAnyShapeStayWithinTheImage) {
  for (const ImageShape shape : {ImageShape{1, 40, 1}, {40, 1, 3}, {1, 1, 1}, {2, 3, 3}, {3, 2, 1}, {7, 300, 3}})
    shares_of_crops(shape, 0.08);
}

TEST(Placement, AnImageTooLongForAnyCropShowsTheLargestAtItsCentre) {
  RandomStream random({.seed = 1});
  const AugmentConfig config{.flip = false, .resized_crop = 0.9};
  EXPECT_EQ(draw_placement(config, {30, 400, 3}, random).box, (Box{0, 180, 30, 40}));
  EXPECT_EQ(draw_placement(config, {400, 30, 3}, random).box, (Box{180, 0, 40, 30}));
}

}  // namespace
}  // namespace pleat
