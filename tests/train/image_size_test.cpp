#include "train/image_size.h"

#include <gmock/gmock.h>

#include <vector>

namespace pleat {
namespace {

TrainConfig config_of(std::int64_t from, double until, std::int64_t epochs) {
  TrainConfig config;
  config.epochs = epochs;
  config.progressive = {.from = from, .until = until};
  return config;
}

std::vector<int> heights(const TrainConfig& config, const ImageShape& full) {
  std::vector<int> all;
  for (std::int64_t epoch = 0; epoch < config.epochs; ++epoch)
    all.push_back(epoch_image_size(config, epoch, full).height);
  return all;
}

TEST(ImageSize, IsFullUnlessAskedFor) {
  const ImageShape full{28, 30, 1};
  for (std::int64_t epoch = 0; epoch < 8; ++epoch) EXPECT_EQ(epoch_image_size(TrainConfig{}, epoch, full), full);
}

TEST(ImageSize, GrowsInMultiplesOfFourToFullSize) {
  EXPECT_THAT(heights(config_of(64, 0.5, 10), {128, 128, 3}),
              testing::ElementsAre(64, 76, 88, 104, 116, 128, 128, 128, 128, 128));
  EXPECT_THAT(heights(config_of(16, 0.6, 5), {28, 28, 1}), testing::ElementsAre(16, 20, 24, 28, 28));
  EXPECT_THAT(heights(config_of(30, 0.6, 4), {50, 50, 1}), testing::ElementsAre(32, 40, 48, 50))
      << "not a multiple of 4";
}

TEST(ImageSize, GrowsAfterItsDelay) {
  TrainConfig config = config_of(32, 0.8, 10);
  config.progressive.delay = 0.4;
  EXPECT_THAT(heights(config, {64, 64, 3}), testing::ElementsAre(32, 32, 32, 32, 32, 40, 48, 56, 64, 64));
  config.progressive.delay = 0.8;
  EXPECT_THAT(heights(config, {64, 64, 3}), testing::ElementsAre(32, 32, 32, 32, 32, 32, 32, 32, 64, 64))
      << "in one step";
}

TEST(ImageSize, TheLastEpochIsFullWhateverTheFraction) {
  EXPECT_THAT(heights(config_of(16, 1.0, 4), {32, 32, 1}), testing::ElementsAre(16, 20, 24, 32));
  EXPECT_THAT(heights(config_of(16, 0.5, 1), {32, 32, 1}), testing::ElementsAre(32));
}

TEST(ImageSize, KeepsTheShapeOfImagesThatAreNotSquare) {
  const TrainConfig config = config_of(32, 0.5, 4);
  EXPECT_EQ(epoch_image_size(config, 0, {64, 128, 3}), (ImageShape{32, 64, 3}));
  EXPECT_EQ(epoch_image_size(config, 0, {96, 64, 3}), (ImageShape{48, 32, 3}));
  EXPECT_EQ(epoch_image_size(config, 2, {64, 128, 3}), (ImageShape{64, 128, 3}));
}

TEST(ImageSize, NeverShrinksAndNeverExceedsTheCrops) {
  for (const ImageShape full : {ImageShape{9, 31, 1}, ImageShape{224, 200, 3}, ImageShape{5, 5, 1}}) {
    for (const std::int64_t from : {1, 3, 4}) {
      for (const double until : {1e-9, 0.3, 1.0}) {
        ImageShape before{1, 1, full.channels};
        for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
          const ImageShape now = epoch_image_size(config_of(from, until, 7), epoch, full);
          EXPECT_TRUE(now.height >= before.height && now.height <= full.height);
          EXPECT_TRUE(now.width >= before.width && now.width <= full.width);
          before = now;
        }
        EXPECT_EQ(before, full);
      }
    }
  }
}

}  // namespace
}  // namespace pleat
