#include "batches/batch_loader.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "base/error.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

constexpr int kRows = 40;

CropFile small_crops(const ScratchFolder& folder) {
  SampleTable table{.names = {"id", "path"}, .values = {{}, {}}};
  for (int i = 0; i < kRows; ++i) {
    table.values[0].push_back("s" + std::to_string(i));
    table.values[1].push_back("");
  }
  const ImageShape shape{6, 5, 3};
  create_crops(folder / "crops.h5", shape, table, {});
  CropWriter writer(folder / "crops.h5");
  for (int i = 0; i < kRows; ++i) {
    std::vector<std::uint8_t> image(shape.bytes(), static_cast<std::uint8_t>(i));
    image[0] = 255;
    writer.write(std::size_t(i), image);
  }
  writer.finish();
  return CropFile(folder / "crops.h5");
}

std::vector<BatchPlan> plans_of(int batches, int size) {
  std::vector<BatchPlan> plans;
  for (int b = 0; b < batches; ++b) {
    BatchPlan plan{.epoch = 3};
    for (int i = 0; i < size; ++i) plan.rows.push_back((b * size + i) * 7 % kRows);
    plans.push_back(plan);
  }
  return plans;
}

LoaderOptions options(int threads, bool training) {
  return {.norm = {{0, 0, 0}, {1, 1, 1}},
          .augment = {.flip = true, .pad = 2},
          .training = training,
          .key = {.seed = 9, .fold = 1},
          .threads = threads,
          .ahead = 3};
}

TEST(BatchLoader, GivesTheSameBatchesForAnyNumberOfThreads) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  BatchLoader one(crops, options(1, true), plans_of(10, 4)), four(crops, options(4, true), plans_of(10, 4));
  for (int b = 0; b < 10; ++b) {
    const Batch a = one.next(), c = four.next();
    ASSERT_TRUE(torch::equal(a.images, c.images)) << "batch " << b;
    ASSERT_EQ(a.rows, plans_of(10, 4)[std::size_t(b)].rows);
  }
}

TEST(BatchLoader, ImagesComeAsChannelsLastAndUnchangedOutsideTraining) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  BatchLoader loader(crops, options(2, false), {{.rows = {5, 17}}});
  const Batch batch = loader.next();
  EXPECT_EQ(batch.images.sizes(), (std::vector<std::int64_t>{2, 3, 6, 5}));
  EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FLOAT_EQ(batch.images[1][2][3][4].item<float>(), 17.0F / 255.0F);
  EXPECT_FLOAT_EQ(batch.images[0][0][0][0].item<float>(), 1.0F);
  EXPECT_THROW(loader.next(), std::logic_error) << "there was one batch";
}

TEST(BatchLoader, AugmentationIsDrawnFromSampleAndEpochAlone) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  const auto image_of = [&](std::vector<std::int64_t> rows, std::uint32_t epoch, std::int64_t at) {
    BatchLoader loader(crops, options(1, true), {{.rows = std::move(rows), .epoch = epoch}});
    return loader.next().images[at].clone();
  };
  EXPECT_TRUE(torch::equal(image_of({1, 2, 3}, 0, 2), image_of({3}, 0, 0)))
      << "its neighbours in the batch do not matter";
  bool differs = false;
  for (std::uint32_t epoch = 1; epoch < 6; ++epoch)
    differs |= !torch::equal(image_of({3}, 0, 0), image_of({3}, epoch, 0));
  EXPECT_TRUE(differs) << "each epoch has its own draws";
}

TEST(BatchLoader, MakesBatchesOfAnotherSizeByTheSameChanges) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  for (const double resized_crop : {1.0, 0.3}) {
    LoaderOptions small = options(1, true), also_small = options(4, true);
    for (LoaderOptions* each : {&small, &also_small}) {
      each->augment = {.flip = true, .pad = 0, .resized_crop = resized_crop};
      each->shape = ImageShape{4, 3, 3};
    }
    BatchLoader one(crops, small, plans_of(10, 4)), four(crops, also_small, plans_of(10, 4));
    BatchLoader full(crops, {.norm = small.norm}, plans_of(10, 4));
    for (int b = 0; b < 10; ++b) {
      const Batch batch = one.next(), other = four.next(), whole = full.next();
      ASSERT_EQ(batch.images.sizes(), (std::vector<std::int64_t>{4, 3, 4, 3}));
      EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
      ASSERT_TRUE(torch::equal(batch.images, other.images)) << "batch " << b;
      // All of an image but its first element has one gray, which resizing does not change.
      for (int i = 0; i < 4; ++i) {
        EXPECT_NEAR(batch.images[i][1].max().item<float>(), whole.images[i][1][3][3].item<float>(), 1e-6);
        EXPECT_NEAR(batch.images[i][1].min().item<float>(), whole.images[i][1][3][3].item<float>(), 1e-6);
      }
    }
  }
}

TEST(BatchLoader, OutsideTrainingNothingIsDrawn) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  LoaderOptions evaluation = options(1, false);
  evaluation.augment = {.flip = true, .pad = 2, .resized_crop = 0.2};
  BatchLoader loader(crops, evaluation, {{.rows = {5, 17}}}), plain(crops, options(1, false), {{.rows = {5, 17}}});
  EXPECT_TRUE(torch::equal(loader.next().images, plain.next().images));
}

TEST(BatchLoader, AFailureInAWorkerReachesTheOneWhoAsks) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  BatchLoader loader(crops, options(2, false), {{.rows = {0}}, {.rows = {kRows + 5}}, {.rows = {1}}});
  EXPECT_NO_THROW(loader.next());
  EXPECT_ANY_THROW(loader.next());
}

TEST(BatchLoader, EndsCleanlyWithBatchesNotTaken) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  BatchLoader loader(crops, options(3, true), plans_of(50, 4));
  loader.next();
}

TEST(Parts, AreNearlyEqualAndLeaveNothingOut) {
  for (const auto& [count, parts] :
       {std::pair<std::size_t, std::size_t>{10, 3}, {7, 7}, {100, 8}, {5, 1}, {16001, 126}}) {
    EXPECT_EQ(part_begin(count, parts, 0), 0U);
    EXPECT_EQ(part_begin(count, parts, parts), count);
    for (std::size_t i = 0; i < parts; ++i) {
      const std::size_t size = part_begin(count, parts, i + 1) - part_begin(count, parts, i);
      EXPECT_TRUE(size == count / parts || size == count / parts + 1);
    }
  }
}

// The white pixel is in the first column, or mirrored in the last.
std::vector<bool> mirrored(const CropFile& crops, std::uint32_t epoch, bool alternate) {
  LoaderOptions asked = options(1, true);
  asked.augment = {.flip = true, .pad = 0, .alternate_flips = alternate};
  BatchPlan plan{.epoch = epoch};
  for (int row = 0; row < kRows; ++row) plan.rows.push_back(row);
  const torch::Tensor images = BatchLoader(crops, asked, {plan}).next().images;
  std::vector<bool> found;
  for (int row = 0; row < kRows; ++row) found.push_back(images[row][0][0][4].item<float>() > 0.99F);
  return found;
}

TEST(BatchLoader, AlternateFlipsShowBothSidesInTwoEpochs) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  const auto first = mirrored(crops, 0, true), second = mirrored(crops, 1, true), third = mirrored(crops, 2, true);
  const auto many = std::count(first.begin(), first.end(), true);
  EXPECT_TRUE(kRows / 4 < many && many < 3 * kRows / 4) << many;
  for (std::size_t row = 0; row < kRows; ++row) EXPECT_NE(first[row], second[row]) << row;
  EXPECT_EQ(first, third);
  EXPECT_NE(mirrored(crops, 0, false), mirrored(crops, 2, false));
}

TEST(BatchLoader, ARowsPassReplacesItsEpoch) {
  const ScratchFolder folder;
  const CropFile crops = small_crops(folder);
  const BatchPlan twice{.rows = {3, 3}, .epoch = 9, .passes = {4, 5}};
  const torch::Tensor both = BatchLoader(crops, options(1, true), {twice}).next().images;
  for (const std::uint32_t pass : {4U, 5U}) {
    const BatchPlan alone{.rows = {3}, .epoch = pass};
    EXPECT_TRUE(torch::equal(both[pass - 4], BatchLoader(crops, options(1, true), {alone}).next().images[0]));
  }
}

}  // namespace
}  // namespace pleat
