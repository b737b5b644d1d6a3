#include "train/epoch_cut.h"

#include <gmock/gmock.h>

#include <array>
#include <numeric>
#include <set>

namespace pleat {
namespace {

EpochCut cut_of(std::int64_t rows, std::int64_t batch, std::int64_t parts) {
  TrainConfig config;
  config.batch = batch;
  EpochCut cut{
      .order = std::vector<std::int64_t>(std::size_t(rows)), .steps = steps_of_epoch(rows, config, 0), .parts = parts};
  std::iota(cut.order.rbegin(), cut.order.rend(), 0);
  return cut;
}

TEST(EpochCut, TakesEveryRowOnceInPiecesOfNearlyEqualSize) {
  for (const auto& [rows, batch, parts] : std::vector<std::array<std::int64_t, 3>>{
           {240, 32, 1}, {240, 32, 4}, {241, 32, 8}, {7, 3, 2}, {5, 64, 2}, {1, 1, 1}, {1000, 7, 1}}) {
    const EpochCut cut = cut_of(rows, batch, parts);
    std::vector<std::int64_t> seen;
    std::set<std::size_t> batches, sizes;
    for (std::int64_t step = 0; step < cut.steps; ++step) {
      batches.insert(cut.batch(step).size());
      sizes.clear();
      for (std::int64_t part = 0; part < parts; ++part) {
        sizes.insert(cut.part(step, part).size());
        seen.insert(seen.end(), cut.part(step, part).begin(), cut.part(step, part).end());
      }
      EXPECT_LE(*sizes.rbegin() - *sizes.begin(), 1u);
    }
    EXPECT_EQ(seen, cut.order) << rows << " rows in batches of " << batch << " and " << parts << " parts";
    EXPECT_LE(*batches.rbegin(), static_cast<std::size_t>(batch));
    EXPECT_LE(*batches.rbegin() - *batches.begin(), 1u);
  }
}

TEST(EpochCut, EachRowOfABatchKeepsItsPass) {
  EpochCut cut = cut_of(10, 4, 2);
  for (std::uint32_t i = 0; i < 10; ++i) cut.passes.push_back(i / 6);
  const std::vector<std::int64_t> rows{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<std::uint32_t> passes;
  for (const BatchPlan& plan : batch_plans(cut, 0, 0, 2, rows, 0, 3)) {
    ASSERT_EQ(plan.passes.size(), plan.rows.size());
    passes.insert(passes.end(), plan.passes.begin(), plan.passes.end());
  }
  EXPECT_EQ(passes, cut.passes);
  cut.passes.clear();
  EXPECT_TRUE(batch_plans(cut, 0, 0, 2, rows, 0, 3).front().passes.empty());
}

TEST(EpochCut, BatchesGrowEvenlyInRatio) {
  TrainConfig config{.epochs = 3, .batch = 16, .last_batch = 64};
  EXPECT_EQ(batch_of_epoch(config, 0), 16);
  EXPECT_EQ(batch_of_epoch(config, 1), 32);
  EXPECT_EQ(batch_of_epoch(config, 2), 64);
  EXPECT_EQ(steps_before(128, config, 0), 0);
  EXPECT_EQ(steps_before(128, config, 3), 8 + 4 + 2);
  config.last_batch = 0;
  EXPECT_EQ(batch_of_epoch(config, 2), 16);
  EXPECT_EQ(steps_of_epoch(130, config, 2), 9);
}

}  // namespace
}  // namespace pleat
