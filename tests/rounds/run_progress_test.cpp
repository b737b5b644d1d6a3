#include "rounds/run_progress.h"

#include <gtest/gtest.h>

namespace pleat {
namespace {

TEST(RunProgress, TheLastJobOfAnOddNumberLeavesASlotIdle) {
  EXPECT_EQ(longest_share({10, 10, 10, 10, 10}, 2), 30);
  EXPECT_EQ(longest_share({10, 10, 10, 10, 10}, 5), 10);
  EXPECT_EQ(longest_share({0, 0, 4, 6, 10}, 2), 14);
  EXPECT_EQ(longest_share({0, 0}, 3), 0);
  EXPECT_EQ(longest_share({7}, 4), 7);
}

}  // namespace
}  // namespace pleat
