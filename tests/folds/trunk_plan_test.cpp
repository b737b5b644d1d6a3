#include "folds/trunk_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pleat {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::pair<int, int>> folds_of(const TrunkPlan& plan) {
  std::vector<std::pair<int, int>> folds;
  for (const Trunk& trunk : plan.trunks) folds.emplace_back(trunk.first, trunk.last);
  return folds;
}

TEST(TrunkPlan, FiveFoldsHaveTwoTrunks) {
  const TrunkPlan plan = plan_trunks(5, 1, 0.5, 8);
  EXPECT_THAT(folds_of(plan), ElementsAre(std::pair(0, 1), std::pair(2, 4)));
  EXPECT_THAT(plan.trunk_of, ElementsAre(0, 0, 1, 1, 1));
  EXPECT_EQ(plan.shared_epochs({3}), 4);
  EXPECT_DOUBLE_EQ(trunk_cost(plan, 8), (5 - 3 * 0.5) / 5);
}

TEST(TrunkPlan, TenFoldsHaveTrunksOfTrunks) {
  const TrunkPlan plan = plan_trunks(10, 1, 0.5, 8);
  EXPECT_THAT(folds_of(plan), ElementsAre(std::pair(0, 4), std::pair(0, 1), std::pair(2, 4), std::pair(5, 9),
                                          std::pair(5, 6), std::pair(7, 9)));
  EXPECT_EQ(plan.trunks[1].parent, 0);
  EXPECT_EQ(plan.trunks[1].from, plan.trunks[0].until);
  EXPECT_DOUBLE_EQ(trunk_cost(plan, 8), (2 * 2 + 4 * 2 + 10 * 4) / 80.0);
}

TEST(TrunkPlan, RepeatsHaveTrunksOfTheirOwn) {
  const TrunkPlan plan = plan_trunks(4, 2, 0.5, 4);
  EXPECT_THAT(folds_of(plan), ElementsAre(std::pair(0, 1), std::pair(2, 3), std::pair(4, 5), std::pair(6, 7)));
  EXPECT_THAT(plan.trunk_of, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
}

TEST(TrunkPlan, AFoldAloneInItsHalfHasNoTrunk) {
  EXPECT_THAT(plan_trunks(3, 1, 0.5, 4).trunk_of, ElementsAre(-1, 0, 0));
  EXPECT_THAT(plan_trunks(2, 1, 0.5, 4).trunks, IsEmpty());
}

TEST(TrunkPlan, IsEmptyWithoutAShareOrAnEpochToShare) {
  EXPECT_THAT(plan_trunks(5, 1, 0.0, 8).trunks, IsEmpty());
  EXPECT_THAT(plan_trunks(5, 1, 0.5, 1).trunks, IsEmpty());
}

TEST(TrunkPlan, SharesAtLeastOneEpochAndNeverAll) {
  for (const std::int64_t epochs : {2, 3, 8, 100}) {
    for (const double share : {0.001, 0.5, 0.999}) {
      const TrunkPlan plan = plan_trunks(5, 1, share, epochs);
      EXPECT_GE(plan.shared_epochs({0}), 1);
      EXPECT_LT(plan.shared_epochs({0}), epochs);
    }
  }
}

// A network descends from trunks whose folds include its own, so that none saw the rows that it holds out.
TEST(TrunkPlan, EveryAncestorHoldsOutTheFoldAndEpochsJoinUp) {
  for (int k = 3; k <= 20; ++k) {
    for (const double share : {0.1, 0.5, 0.75}) {
      for (const std::int64_t epochs : {2, 5, 8, 30}) {
        const TrunkPlan plan = plan_trunks(k, 2, share, epochs);
        std::vector<std::int64_t> shared;
        for (int fold = k == 3 ? 1 : 0; fold < k; ++fold) {
          std::int64_t begins = plan.shared_epochs({fold});
          shared.push_back(begins);
          for (int trunk = plan.trunk_of[std::size_t(fold)]; trunk >= 0;
               trunk = plan.trunks[std::size_t(trunk)].parent) {
            const Trunk& ancestor = plan.trunks[std::size_t(trunk)];
            EXPECT_TRUE(ancestor.first <= fold && fold <= ancestor.last);
            EXPECT_LT(ancestor.folds(), k) << "no rows would be left";
            EXPECT_EQ(ancestor.until, begins);
            EXPECT_LT(ancestor.from, ancestor.until);
            begins = ancestor.from;
          }
          EXPECT_EQ(begins, 0);
        }
        EXPECT_THAT(shared, Each(shared.front()));
        EXPECT_LT(trunk_cost(plan, epochs), 1.0);
      }
    }
  }
}

TEST(TrunkPlan, TimeOnOneSlotIsTheCost) {
  for (const int k : {3, 5, 10, 20}) {
    const TrunkPlan plan = plan_trunks(k, 1, 0.5, 8);
    EXPECT_DOUBLE_EQ(static_cast<double>(epochs_until_done(plan, 8, 1)), trunk_cost(plan, 8) * 8 * k);
  }
}

TEST(TrunkPlan, TimeOnSlotsWaitsForTrunks) {
  const TrunkPlan plan = plan_trunks(5, 1, 0.5, 8);
  EXPECT_EQ(epochs_until_done(plan, 8, 2), 4 + 3 * 4);
  EXPECT_EQ(epochs_until_done(plan, 8, 5), 8) << "no fold's network is done before its own 8 epochs";
  EXPECT_EQ(epochs_until_done(plan_trunks(5, 1, 0.0, 8), 8, 2), 3 * 8);
}

}  // namespace
}  // namespace pleat
