#include "train/sampling.h"

#include <gmock/gmock.h>

#include <map>

#include "class_head.h"

namespace pleat {
namespace {

// Twelve rows: nine of class 0, two of 1, one of 2.
FoldJob job_with(const std::string& sampling) {
  FoldJob job{.heads = {class_head(3, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2})}};
  for (std::int64_t row = 0; row < 12; ++row) job.train_rows.push_back(100 + row);
  job.train.sampling = sampling;
  return job;
}

std::map<std::int64_t, int> shown(const FoldJob& job, std::uint32_t epoch) {
  std::map<std::int64_t, int> times;
  for (const std::int64_t position : epoch_order(job, {.seed = 7, .epoch = epoch})) ++times[position];
  return times;
}

TEST(Sampling, ShuffleShowsEachRowOnce) {
  for (const auto& [position, times] : shown(job_with("shuffle"), 0)) EXPECT_EQ(times, 1) << position;
  EXPECT_EQ(shown(job_with("shuffle"), 0).size(), 12u);
}

TEST(Sampling, BalancedShowsEachClassEquallyOftenAndItsRowsToWithinOne) {
  for (std::uint32_t epoch = 0; epoch < 5; ++epoch) {
    const auto times = shown(job_with("balanced"), epoch);
    EXPECT_EQ(times.at(11), 4);
    EXPECT_EQ(times.at(9), 2);
    EXPECT_EQ(times.at(10), 2);
    int others = 0;
    for (std::int64_t position = 0; position < 9; ++position) {
      const auto found = times.find(position);
      if (found == times.end()) continue;
      EXPECT_EQ(found->second, 1);
      ++others;
    }
    EXPECT_EQ(others, 4);
  }
}

TEST(Sampling, IsAFunctionOfItsKey) {
  const FoldJob job = job_with("balanced");
  EXPECT_EQ(epoch_order(job, {.seed = 7, .epoch = 1}), epoch_order(job, {.seed = 7, .epoch = 1}));
  EXPECT_NE(epoch_order(job, {.seed = 7, .epoch = 1}), epoch_order(job, {.seed = 7, .epoch = 2}));
}

// A trunk of twelve rows whose epochs have 20 images.
FoldJob trunk_with(const std::string& sampling) {
  FoldJob job = job_with(sampling);
  job.shared = {.until = 6, .rows = 20};
  return job;
}

TEST(Sampling, ATrunkShowsItsRowsInWholePasses) {
  const FoldJob job = trunk_with("shuffle");
  std::map<std::uint32_t, std::map<std::int64_t, int>> times;  // by pass and position
  for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
    const auto order = epoch_order(job, {.seed = 7, .epoch = epoch});
    const auto passes = epoch_passes(job, epoch);
    ASSERT_EQ(order.size(), 20u);
    ASSERT_EQ(passes.size(), 20u);
    for (std::size_t i = 0; i < order.size(); ++i) ++times[passes[i]][order[i]];
  }
  ASSERT_EQ(times.size(), 10u);  // 6 epochs of 20 are 10 passes over 12
  for (const auto& [pass, of_pass] : times) {
    EXPECT_EQ(of_pass.size(), 12u) << pass;
    for (const auto& [position, count] : of_pass) EXPECT_EQ(count, 1) << pass;
  }
}

TEST(Sampling, ATrunkBalancesAsManyImagesAsItsEpochHas) {
  const FoldJob job = trunk_with("balanced");
  EXPECT_EQ(epoch_order(job, {.seed = 7}).size(), 20u);
  EXPECT_THAT(epoch_passes(job, 0), testing::IsEmpty());
  EXPECT_THAT(epoch_passes(job_with("shuffle"), 0), testing::IsEmpty());
}

TEST(Sampling, DrawsAddUpToTheRows) {
  EXPECT_THAT(class_draws("balanced", {9, 2, 1}, 12), testing::ElementsAre(4, 4, 4));
  EXPECT_THAT(class_draws("balanced_sqrt", {900, 100}, 1000), testing::ElementsAre(750, 250));
  for (const char* sampling : {"balanced", "balanced_sqrt"}) {
    for (std::int64_t rows = 1; rows < 40; ++rows) {
      std::int64_t sum = 0;
      for (const std::int64_t draws : class_draws(sampling, {5, 1, 7, 3}, rows)) sum += draws;
      EXPECT_EQ(sum, rows);
    }
  }
}

TEST(Sampling, ClassesOfSeveralHeadsAreTheirCombinations) {
  FoldJob job{.heads = {class_head(2, {0, 0, 0, 1}), class_head(2, {0, 0, 1, 1})}};
  job.train_rows = {0, 1, 2, 3};
  job.train.sampling = "balanced";
  const auto times = shown(job, 0);  // three combinations, four draws
  EXPECT_GE(times.at(2), 1);
  EXPECT_GE(times.at(3), 1);
}

}  // namespace
}  // namespace pleat
