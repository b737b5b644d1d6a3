#include "train/memory_estimate.h"

#include <gtest/gtest.h>

#include "class_head.h"

namespace pleat {
namespace {

FoldJob job_with(std::int64_t batch, std::int64_t micro_batches = 1) {
  FoldJob job{.model = {.name = "resnet20", .stem = "small"}, .heads = {class_head(3, {0})}};
  job.train.batch = batch;
  job.train.micro_batches = micro_batches;
  job.train.precision = "fp32";
  return job;
}

constexpr ImageShape kShape{32, 32, 3};

std::int64_t peak_of(const FoldJob& job, const ImageShape& shape, std::int64_t images) {
  return estimate_memory(job, shape, images).peak;
}

// Bytes per image of resnet20's activations on 32x32 that backward needs: the float32 outputs of convolutions and
// BatchNorms. These are 7 x 2 maps of 16 x 32 x 32, 6 x 2 of 32 x 16 x 16 and 6 x 2 of 64 x 8 x 8.
constexpr std::int64_t kActivations = 4 * 2 * (7 * 16 * 32 * 32 + 6 * 32 * 16 * 16 + 6 * 64 * 8 * 8);

TEST(MemoryEstimate, ThePeakGrowsByTheActivationsOfEachImage) {
  const std::int64_t few = peak_of(job_with(128), kShape, 128), many = peak_of(job_with(256), kShape, 256);
  const double per_image = double(many - few) / 128;
  EXPECT_GT(per_image, 0.9 * double(kActivations));
  EXPECT_LT(per_image, 1.6 * double(kActivations));
}

TEST(MemoryEstimate, APartOfABatchTakesWhatABatchOfItsSizeDoes) {
  FoldJob parts = job_with(256, 2), whole = job_with(128);
  for (FoldJob* job : {&parts, &whole}) job->train_rows.resize(1000);
  EXPECT_EQ(images_of_step(parts), 128);
  EXPECT_EQ(images_of_step(parts), images_of_step(whole));
}

TEST(MemoryEstimate, OfNetworksWithTinyBatchesThePeakIsAtTheOptimizer) {
  const MemoryEstimate small = estimate_memory(job_with(2), {8, 8, 3}, 2);
  EXPECT_GE(small.peak, small.state);
  EXPECT_LT(double(small.peak), 1.3 * double(small.state));
}

TEST(MemoryEstimate, ABatchIsAtMostAllRows) {
  FoldJob job = job_with(100'000, 2);
  job.train_rows.resize(847);
  EXPECT_EQ(images_of_step(job), 424);
  EXPECT_EQ(images_of_step(job, 200), 524) << "students have pseudo-labelled rows, too";
}

TEST(MemoryEstimate, AMillionImagesAreEstimatedWithoutHavingThem) {
  for (const char* precision : {"fp32", "bf16"}) {
    FoldJob job = job_with(1'000'000);
    job.train.precision = precision;
    const MemoryEstimate of_many = estimate_memory(job, kShape, 1'000'000);
    EXPECT_GT(of_many.peak, 1'000'000 * (kActivations / 2)) << precision;
    EXPECT_GT(of_many.per_image, kActivations / 2) << precision;
  }
}

TEST(MemoryEstimate, LargeImagesAreMeasuredAsSmallerOnes) {
  const FoldJob job = job_with(8);
  const auto per_pixel = [&](const ImageShape& shape) {
    return double(estimate_memory(job, shape, 8).per_image) / double(shape.height * shape.width);
  };
  const double small = per_pixel({128, 128, 3});
  EXPECT_NEAR(per_pixel({1024, 512, 3}) / small, 1, 0.1);
  EXPECT_NEAR(per_pixel({4096, 4096, 3}) / small, 1, 0.1) << "56 GB for a batch of 8";
}

TEST(MemoryEstimate, ARoughEstimateIsCloseEnoughToSkipACloseOne) {
  const FoldJob job = job_with(256);
  const double rough = double(estimate_memory(job, kShape, 256, Accuracy::kRough).peak);
  EXPECT_NEAR(rough / double(peak_of(job, kShape, 256)), 1, 0.3);
}

TEST(MemoryEstimate, PredictionsNeedNoMoreForImagesThatAreLarger) {
  const ModelConfig model{.name = "resnet20", .stem = "small"};
  const double medium = double(predicting_memory(model, {128, 128, 3}, 3, false));
  EXPECT_NEAR(double(predicting_memory(model, {512, 512, 3}, 3, false)) / medium, 1, 0.2);
  EXPECT_GT(medium, 256.0 * 128 * 128 * 16 * 4) << "the first layer's maps";
}

}  // namespace
}  // namespace pleat
