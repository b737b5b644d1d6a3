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

// Bytes per image of resnet20's activations on 32x32 that backward needs: the float32 outputs of convolutions and
// BatchNorms. These are 7 x 2 maps of 16 x 32 x 32, 6 x 2 of 32 x 16 x 16 and 6 x 2 of 64 x 8 x 8.
constexpr std::int64_t kActivations = 4 * 2 * (7 * 16 * 32 * 32 + 6 * 32 * 16 * 16 + 6 * 64 * 8 * 8);

TEST(MemoryEstimate, ThePeakGrowsByTheActivationsOfEachImage) {
  const std::int64_t few = estimate_memory(job_with(128), kShape).peak;
  const std::int64_t many = estimate_memory(job_with(256), kShape).peak;
  const double per_image = double(many - few) / 128;
  EXPECT_GT(per_image, 0.9 * double(kActivations));
  EXPECT_LT(per_image, 1.6 * double(kActivations));
}

TEST(MemoryEstimate, APartOfABatchTakesWhatABatchOfItsSizeDoes) {
  EXPECT_EQ(estimate_memory(job_with(256, 2), kShape).peak, estimate_memory(job_with(128), kShape).peak);
}

TEST(MemoryEstimate, OfNetworksWithTinyBatchesThePeakIsAtTheOptimizer) {
  const MemoryEstimate small = estimate_memory(job_with(2), {8, 8, 3});
  EXPECT_GE(small.peak, small.state);
  EXPECT_LT(double(small.peak), 1.3 * double(small.state));
}

}  // namespace
}  // namespace pleat
