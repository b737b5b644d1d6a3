#include "batches/rand_augment.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <set>

namespace pleat {
namespace {

std::vector<RandomStream> streams_of(int count) {
  std::vector<RandomStream> streams;
  for (std::uint64_t sample = 0; sample < static_cast<std::uint64_t>(count); ++sample)
    streams.emplace_back(RandomKey{.seed = 8, .purpose = Purpose::kPixels, .sample = sample});
  return streams;
}

torch::Tensor same_images(int count, int channels) {
  const torch::Tensor ramp = at::arange(channels * 16 * 16, at::kFloat).mul(0.37).remainder(1.0).mul(0.8).add(0.05);
  return ramp.reshape({1, channels, 16, 16}).repeat({count, 1, 1, 1});
}

// Many draws for one image give as many different results as operations and signs exist.
TEST(RandAugment, EveryOperationOccurs) {
  auto streams = streams_of(600);
  const torch::Tensor made = rand_augment({.ops = 1, .magnitude = 9}, streams, same_images(600, 3));
  std::set<double> different;
  for (int i = 0; i < 600; ++i) {
    const torch::Tensor weights = at::arange(made[i].numel(), at::kDouble).add(1.0).sqrt();
    different.insert((made[i].reshape({-1}).to(at::kDouble) * weights).sum().item<double>());
  }
  // none, 5 moves and 4 factors both ways, posterize, solarize, autocontrast, equalize
  EXPECT_EQ(different.size(), 1U + 2U * 9U + 4U);
}

TEST(RandAugment, PixelsStayWithinBlackAndWhiteAtEveryMagnitude) {
  for (const int channels : {1, 3}) {
    for (const std::int64_t magnitude : {0, 9, 30}) {
      auto streams = streams_of(100);
      const torch::Tensor made = rand_augment({.ops = 14, .magnitude = magnitude}, streams, same_images(100, channels));
      EXPECT_TRUE(made.min().item<double>() >= 0.0 && made.max().item<double>() <= 1.0 + 1e-6);
    }
  }
}

TEST(RandAugment, GivenImagesAreLeftAsTheyAre) {
  auto streams = streams_of(20);
  const torch::Tensor images = same_images(20, 3), before = images.clone();
  rand_augment({.ops = 2, .magnitude = 20}, streams, images);
  EXPECT_TRUE(at::equal(images, before));
}

}  // namespace
}  // namespace pleat
