#include "run/run_progress.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/bytes.h"

namespace pleat {
namespace {

TEST(RunProgress, TheLastJobOfAnOddNumberLeavesASlotIdle) {
  EXPECT_EQ(longest_share({10, 10, 10, 10, 10}, 2), 30);
  EXPECT_EQ(longest_share({10, 10, 10, 10, 10}, 5), 10);
  EXPECT_EQ(longest_share({0, 0, 4, 6, 10}, 2), 14);
  EXPECT_EQ(longest_share({0, 0}, 3), 0);
  EXPECT_EQ(longest_share({7}, 4), 7);
}

TEST(RunProgress, ALossThatIsNoNumberIsHeard) {
  RunProgress progress({{.name = "label/r18/fold 0", .rows = 4, .epochs = 8}}, "macro_f1", 1);
  const TrainProgress sent{
      .epoch = {.epoch = 1, .loss = std::nan(""), .images = 2, .seconds = 1.0}, .step = 1, .steps = 2};
  progress.heard(0, from_bytes<TrainProgress>(to_bytes(sent)));
  EXPECT_EQ(progress.trained_images(), 2);
}

}  // namespace
}  // namespace pleat
