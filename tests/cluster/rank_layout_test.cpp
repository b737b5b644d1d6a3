#include "cluster/rank_layout.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace pleat {
namespace {

using testing::ElementsAre;

std::vector<int> each(const RankLayout& layout, int RankPlace::*member) {
  std::vector<int> values;
  for (const RankPlace& place : layout.ranks) values.push_back(place.*member);
  return values;
}

TEST(RankLayout, OneRankAloneIsASlotWithAllCores) {
  const RankLayout layout = make_layout({.cores_per_rank_host = 8});
  EXPECT_EQ(layout.slots, 1);
  EXPECT_THAT(each(layout, &RankPlace::slot), ElementsAre(0));
  EXPECT_THAT(each(layout, &RankPlace::threads), ElementsAre(8));
  EXPECT_THAT(each(layout, &RankPlace::device), ElementsAre(-1));
}

TEST(RankLayout, SlotsAreNeighboursAndLeftOverRanksIdle) {
  const RankLayout layout = make_layout({.world_size = 5, .shards = 2});
  EXPECT_EQ(layout.slots, 2);
  EXPECT_THAT(each(layout, &RankPlace::slot), ElementsAre(0, 0, 1, 1, -1));
  EXPECT_THAT(each(layout, &RankPlace::shard), ElementsAre(0, 1, 0, 1, 0));
  EXPECT_EQ(layout.leader(0), 0);
  EXPECT_EQ(layout.leader(1), 2);
}

TEST(RankLayout, LocalRanksCountPerHostHoweverRanksAreSpread) {
  const RankLayout layout = make_layout({.world_size = 5, .hosts = {"a", "b", "a", "b", "a"}});
  EXPECT_THAT(each(layout, &RankPlace::local_rank), ElementsAre(0, 0, 1, 1, 2));
  EXPECT_THAT(each(layout, &RankPlace::local_size), ElementsAre(3, 2, 3, 2, 3));
}

TEST(RankLayout, CoresAreSharedAmongTheRanksOfAHost) {
  const RankLayout layout = make_layout({.world_size = 4, .hosts = {"a", "a", "a", "b"}, .cores_per_rank_host = 8});
  EXPECT_THAT(each(layout, &RankPlace::threads), ElementsAre(2, 2, 2, 8));
}

TEST(RankLayout, MoreRanksThanCoresStillGetAThreadEach) {
  EXPECT_THAT(each(make_layout({.world_size = 3, .cores_per_rank_host = 2}), &RankPlace::threads),
              ElementsAre(1, 1, 1));
}

TEST(RankLayout, ConfiguredThreadsAreTakenAsTheyAre) {
  EXPECT_THAT(each(make_layout({.world_size = 2, .cores_per_rank_host = 2, .threads = 4}), &RankPlace::threads),
              ElementsAre(4, 4));
}

TEST(RankLayout, DevicesAreThoseThatWereChosen) {
  const RankLayout layout = make_layout({.world_size = 3, .shards = 1, .devices = {1, 0, 0}});
  EXPECT_THAT(each(layout, &RankPlace::device), ElementsAre(1, 0, 0));
}

TEST(RankLayout, ShardsThatDoNotFitAreRefusedWithBothNumbers) {
  try {
    make_layout({.world_size = 2, .shards = 3});
    FAIL() << "3 shards on 2 ranks were accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("3"), testing::HasSubstr("2 ranks")));
  }
  EXPECT_THROW(make_layout({.world_size = 2, .shards = 0}), UsageError);
  EXPECT_THROW(make_layout({.world_size = 0}), UsageError);
  EXPECT_THROW(make_layout({.world_size = 3, .hosts = {"a"}}), UsageError);
}

}  // namespace
}  // namespace pleat
