#include "train/epoch_loss.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace pleat {
namespace {

torch::Tensor loss(double value) { return at::full({}, value, at::kFloat); }

// Shard `rank` of two. The peer's sum is `other`.
Ranks shard(int rank, double other) {
  Ranks slot{.rank = rank, .size = 2};
  slot.all_gather = [rank, other = to_bytes(other)](const std::string& mine) {
    return rank == 0 ? std::vector{mine, other} : std::vector{other, mine};
  };
  return slot;
}

TEST(EpochLoss, OfOneRankIsTheMeanOverItsImages) {
  EpochLoss epoch(0, 0, Ranks{}, at::kCPU);
  epoch.add(loss(0.5), 8, 16);  // two parts of a batch of 16: sums of 8 and 4
  epoch.add(loss(0.25), 8, 16);
  EXPECT_DOUBLE_EQ(epoch.mean(), 0.75);
  EXPECT_DOUBLE_EQ(epoch.slot_sum(), 12.0);
}

TEST(EpochLoss, OfASlotIsTheSumOverAllShards) {
  EpochLoss first(0, 0, shard(0, 3.5), at::kCPU), second(0, 0, shard(1, 8.0), at::kCPU);
  first.add(loss(0.5), 8, 16);
  second.add(loss(0.21875), 8, 16);
  EXPECT_DOUBLE_EQ(first.slot_sum(), 11.5);
  EXPECT_DOUBLE_EQ(second.slot_sum(), first.slot_sum());
  EXPECT_DOUBLE_EQ(first.mean(), 1.0);
}

TEST(EpochLoss, GoesOnFromAnEarlierRunsSumOnceWhateverTheNumberOfShards) {
  EpochLoss first(100, 50, shard(0, 4.0), at::kCPU), second(100, 50, shard(1, 108.0), at::kCPU);
  first.add(loss(0.5), 8, 16);
  second.add(loss(0.25), 8, 16);
  EXPECT_DOUBLE_EQ(first.slot_sum(), 112.0);
  EXPECT_DOUBLE_EQ(second.slot_sum(), 112.0);
  EXPECT_DOUBLE_EQ(second.mean(), 0.5);
}

TEST(EpochLoss, ComesBackExactlyFromItsText) {
  EpochLoss epoch(0.1 + 0.2, 1, Ranks{}, at::kCPU);
  EXPECT_EQ(epoch.slot_sum(), 0.1 + 0.2);
}

}  // namespace
}  // namespace pleat
