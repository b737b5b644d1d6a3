#include "batches/batch_augment.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>

#include "batches/batch_mix.h"

namespace pleat {
namespace {

const PixelNorm kNorm{{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};

AugmentConfig everything() {
  AugmentConfig config = no_augmentation();
  config.rotate = 20, config.jitter = 0.4, config.erase = 0.5, config.mixup = 0.4, config.cutmix = 1.0;
  config.randaugment = {.ops = 2, .magnitude = 15};
  return config;
}

// Normalised images for rows of the crops file; each depends on its row only.
Batch batch_of(const std::vector<std::int64_t>& rows) {
  std::vector<torch::Tensor> images;
  for (const std::int64_t row : rows) {
    const torch::Tensor ramp = at::arange(3 * 12 * 10, at::kFloat).reshape({3, 12, 10});
    images.push_back(at::remainder(ramp * (0.37 + 0.1 * static_cast<double>(row)), 1.0));
  }
  const torch::Tensor pixels = at::stack(images).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::Tensor mean = at::tensor(kNorm.mean, at::kFloat).reshape({1, 3, 1, 1});
  const torch::Tensor std = at::tensor(kNorm.std, at::kFloat).reshape({1, 3, 1, 1});
  return {.images = (pixels - mean) / std, .rows = rows};
}

Batch augmented(const AugmentConfig& config, const std::vector<std::int64_t>& rows, const RandomKey& key = {}) {
  Batch batch = batch_of(rows);
  augment_batch({config, kNorm, {key, rows}}, batch);
  return batch;
}

bool same(const torch::Tensor& one, const torch::Tensor& other) { return at::equal(one, other); }

TEST(BatchAugment, NothingWantedKeepsEveryBit) {
  const Batch batch = augmented({.flip = true, .pad = 4, .resized_crop = 0.5}, {3, 1, 4});
  EXPECT_TRUE(same(batch.images, batch_of({3, 1, 4}).images));
  EXPECT_FALSE(batch.partners.defined() || batch.share.defined());
}

TEST(BatchAugment, EachChangesImagesAloneAndOnItsOwnNumbers) {
  const std::vector<std::int64_t> rows{5, 2, 9, 4, 7, 1, 8, 3};
  int seen = 0;
  for (const Augmentation& each : augmentations()) {
    const AugmentConfig alone = only(each, everything());
    if (!each.wanted(alone)) continue;  // everything() leaves out flip, pad and resized_crop
    ++seen;
    const Batch batch = augmented(alone, rows);
    EXPECT_FALSE(at::allclose(batch.images, batch_of(rows).images)) << each.name;
    EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast)) << each.name;
    EXPECT_TRUE(at::isfinite(batch.images).all().item<bool>()) << each.name;
    EXPECT_TRUE(same(batch.images, augmented(alone, rows).images)) << each.name << ": the same again";
    EXPECT_FALSE(same(batch.images, augmented(alone, rows, {.epoch = 1}).images)) << each.name << ": another epoch";
    EXPECT_FALSE(same(batch.images, augmented(alone, rows, {.fold = 1}).images)) << each.name << ": another fold";
  }
  EXPECT_EQ(seen, 6);
}

TEST(BatchAugment, AnImagesChangesDoNotDependOnItsBatch) {
  AugmentConfig config = everything();
  config.mixup = config.cutmix = 0.0;
  const Batch all = augmented(config, {5, 2, 9, 4}), two = augmented(config, {9, 5}, {.step = 7, .part = 1});
  EXPECT_TRUE(at::allclose(all.images[2], two.images[0], 0.0, 1e-5));
  EXPECT_TRUE(at::allclose(all.images[0], two.images[1], 0.0, 1e-5));
}

TEST(BatchAugment, ErasedBoxesHaveTheMeanColorAndTheirShareOfTheImages) {
  AugmentConfig config = no_augmentation();
  config.erase = 0.5;
  std::vector<std::int64_t> rows(400);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  const torch::Tensor changed = (augmented(config, rows).images - batch_of(rows).images).abs().amax(1) > 1e-4;
  const torch::Tensor counts = changed.sum({1, 2});
  EXPECT_NEAR((counts > 0).sum().item<double>(), 200, 40);
  EXPECT_LE(counts.max().item<double>(), 0.40 * 120);
  const Batch batch = augmented(config, rows);
  EXPECT_LT(batch.images.abs().amax(1).masked_select(changed).max().item<double>(), 1e-5) << "normalised mean: 0";
}

TEST(BatchMix, MixUpIsTheSharesSum) {
  AugmentConfig config = no_augmentation();
  config.mixup = 0.4;
  const std::vector<std::int64_t> rows{5, 2, 9, 4, 7};
  const torch::Tensor before = batch_of(rows).images;
  const Batch batch = augmented(config, rows);
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto partner = batch.partners[i].item<std::int64_t>();
    const auto share = batch.share[i].item<double>();
    EXPECT_NE(partner, i);
    EXPECT_TRUE(share >= 0.0 && share <= 1.0);
    EXPECT_TRUE(at::allclose(batch.images[i], before[i] * share + before[partner] * (1.0 - share), 0.0, 1e-5));
  }
  EXPECT_TRUE(same(std::get<0>(batch.partners.sort()), at::arange(5))) << "each is somebody's partner once";
}

TEST(BatchMix, CutMixShowsThePartnerInABoxOfTheRestOfTheShare) {
  AugmentConfig config = no_augmentation();
  config.cutmix = 1.0;
  const std::vector<std::int64_t> rows{5, 2, 9, 4, 7, 11, 12, 13};
  const torch::Tensor before = batch_of(rows).images;
  const Batch batch = augmented(config, rows);
  for (std::int64_t i = 0; i < 8; ++i) {
    const torch::Tensor partner = before[batch.partners[i].item<std::int64_t>()];
    const torch::Tensor own = (batch.images[i] == before[i]).all(0), theirs = (batch.images[i] == partner).all(0);
    EXPECT_TRUE((own | theirs).all().item<bool>());
    // Some pixels are the same in both.
    const double share = batch.share[i].item<double>();
    EXPECT_GE(own.to(at::kDouble).mean().item<double>(), share - 1e-6);
    EXPECT_LE((own & ~theirs).to(at::kDouble).mean().item<double>(), share + 1e-6);
  }
  EXPECT_GT(batch.share.std().item<double>(), 0.05) << "a share for each";
}

TEST(BatchMix, WithBothEachPartGetsOne) {
  AugmentConfig config = no_augmentation();
  config.mixup = config.cutmix = 1.0;
  const std::vector<std::int64_t> rows{5, 2, 9, 4};
  int boxes = 0;
  for (std::uint32_t step = 0; step < 100; ++step) {
    const torch::Tensor pixels = augmented(config, rows, {.step = step}).images;
    const torch::Tensor known = (pixels.unsqueeze(1) == batch_of(rows).images.unsqueeze(0)).all(2).any(1);
    boxes += known.to(at::kDouble).mean().item<double>() > 0.9;
  }
  EXPECT_NEAR(boxes, 50, 20);
}

TEST(BatchMix, AnImageThatIsAloneStaysAsItIs) {
  const std::vector<std::int64_t> rows{5};
  AugmentConfig config = no_augmentation();
  config.mixup = 0.4;
  EXPECT_TRUE(at::allclose(augmented(config, rows).images, batch_of(rows).images, 0.0, 1e-6));
}

// Mean 1/2, variance 1 / (4 (2 alpha + 1)).
TEST(BatchMix, SharesAreBetaDistributed) {
  for (const double alpha : {0.01, 0.2, 1.0, 4.0, 100.0}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 20'000;
    for (std::uint64_t sample = 0; sample < kDraws; ++sample) {
      RandomStream random({.seed = 3, .purpose = Purpose::kMix, .sample = sample});
      const double share = draw_beta(alpha, random);
      ASSERT_TRUE(share >= 0.0 && share <= 1.0);
      sum += share, squares += share * share;
    }
    const double mean = sum / kDraws, variance = squares / kDraws - mean * mean, expected = 0.25 / (2 * alpha + 1);
    EXPECT_NEAR(mean, 0.5, 0.02) << alpha;
    EXPECT_NEAR(variance / expected, 1.0, 0.06) << alpha;
  }
}

TEST(BatchAugment, PseudoLabelledRowsHaveTheirOwnAugmentation) {
  AugmentConfig strong = no_augmentation(), weak = no_augmentation();
  strong.randaugment = {.ops = 2, .magnitude = 15}, weak.rotate = 10;
  const std::vector<std::int64_t> rows{5, 2, 9, 4};
  Batch batch = batch_of(rows);
  batch.pseudo = {false, true, true, false};
  augment_batch({weak, kNorm, {{}, rows}}, batch, &strong);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Batch alone = augmented(batch.pseudo[i] ? strong : weak, {rows[i]});
    EXPECT_TRUE(same(batch.images[std::int64_t(i)], alone.images[0])) << i;
  }
  EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace pleat
