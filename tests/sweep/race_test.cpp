// Races without training: which trainings are wanted, for any number of slots and any order of results.
#include "sweep/race.h"

#include <gmock/gmock.h>

#include "sweep/simulated_race.h"

namespace pleat {
namespace {

constexpr RaceShape kShape{.cells = 12, .folds = 5};

int full_tasks(const SimulatedSweep& sweep) {
  return int(std::count_if(sweep.ran.begin(), sweep.ran.end(), [](const SweepTask& task) { return !task.brief; }));
}

TEST(Race, TrainsAllCellsShortlyThenTheBestThirdThenTheBestHalf) {
  MadeJudge judge(1, /*noise=*/0.01);
  const SimulatedSweep sweep = simulate(kShape, judge, {});
  ASSERT_TRUE(sweep.settled);
  EXPECT_EQ(sweep.ran.size() - full_tasks(sweep), 12u);
  std::vector<int> order(12);
  for (int cell = 0; cell < 12; ++cell) order[std::size_t(cell)] = cell;
  std::sort(order.begin(), order.end(), [&](int a, int b) { return judge.brief_score(a) > judge.brief_score(b); });
  for (int rank = 0; rank < 12; ++rank) {
    const Race::Standing& standing = sweep.standings[std::size_t(order[std::size_t(rank)])];
    EXPECT_EQ(standing.rung > 1, rank < 4) << rank;
  }
  EXPECT_EQ(sweep.winner, order[0]);
  EXPECT_LE(full_tasks(sweep), 4 + 2 * 4);
}

// The heart of it: slots, durations and so the order of results differ; the decisions do not.
TEST(Race, DecidesTheSameForAnyNumberOfSlotsAndAnyDurations) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    for (const double failures : {0.0, 0.15, 0.6}) {
      for (const RaceShape& shape :
           {kShape, RaceShape{.cells = 2, .folds = 3}, RaceShape{.cells = 1, .folds = 4},
            RaceShape{.cells = 7, .folds = 2}, RaceShape{.cells = 30, .folds = 10},
            RaceShape{.cells = 9, .folds = 5, .briefs = false}, RaceShape{.cells = 5, .folds = 3, .race = false}}) {
        MadeJudge judge(seed, 0.2);
        std::optional<SimulatedSweep> first;
        for (const int slots : {1, 2, 5, 64}) {
          const SimulatedSweep sweep =
              simulate(shape, judge, {.slots = slots, .seed = seed * 100 + slots, .failures = failures}, seed);
          ASSERT_TRUE(sweep.settled) << "seed " << seed << ", " << slots << " slots, " << shape.cells << " cells";
          if (!first) first = sweep;
          ASSERT_EQ(sweep.ran, first->ran) << "seed " << seed << ", " << slots << " slots, " << shape.cells << " cells";
          ASSERT_EQ(sweep.winner, first->winner);
          for (std::size_t cell = 0; cell < sweep.standings.size(); ++cell) {
            const Race::Standing &mine = sweep.standings[cell], &its = first->standings[cell];
            ASSERT_EQ(std::tie(mine.rung, mine.folds, mine.failed, mine.complete, mine.leader),
                      std::tie(its.rung, its.folds, its.failed, its.complete, its.leader))
                << "cell " << cell << ", seed " << seed;
          }
        }
      }
    }
  }
}

TEST(Race, NeverWantsMoreThanItsBound) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    MadeJudge judge(seed, 1.0);  // no cell is ever surely behind
    for (const int cells : {1, 2, 3, 4, 12, 45}) {
      const RaceShape shape{.cells = cells, .folds = 5};
      const SimulatedSweep sweep = simulate(shape, judge, {.slots = 3, .seed = seed});
      const Race::Most most = Race::most(shape);
      EXPECT_EQ(int(sweep.ran.size()) - full_tasks(sweep), most.briefs);
      EXPECT_LE(full_tasks(sweep), most.first + most.others) << cells;
    }
  }
  const Race::Most most = Race::most(kShape);
  EXPECT_LE(0.2 * most.briefs + most.first + most.others, 0.25 * 60) << "of the full grid's trainings";
}

TEST(Race, AFullGridWantsEverything) {
  MadeJudge judge(3, 0.1);
  const SimulatedSweep sweep = simulate({.cells = 12, .folds = 5, .race = false}, judge, {.slots = 4, .failures = 0.1});
  EXPECT_EQ(sweep.ran.size(), 60u);
}

TEST(Race, ARungStartsBeforeTheSlowestOfTheOneBeforeHasEnded) {
  MadeJudge judge(5, 0.01);
  Race race(kShape, judge);
  std::vector<int> order(12);
  for (int cell = 0; cell < 12; ++cell) order[std::size_t(cell)] = cell;
  std::sort(order.begin(), order.end(), [&](int a, int b) { return judge.brief_score(a) > judge.brief_score(b); });
  race.decide();
  std::vector<SweepTask> wanted;
  for (int rank = 0; rank < 10; ++rank) {  // two cells are missing
    race.done({order[std::size_t(rank)], true, 0});
    for (const SweepTask& task : race.decide().wanted) wanted.push_back(task);
  }
  EXPECT_THAT(wanted, testing::UnorderedElementsAre(SweepTask{order[0], false, 0}, SweepTask{order[1], false, 0}))
      << "the best two are among the best four whatever the missing two will score";
}

TEST(Race, ACellBehindTheLeaderIsDroppedWithItsDifference) {
  MadeJudge judge(2, 0.05);
  const SimulatedSweep sweep = simulate(kShape, judge, {});
  int dropped = 0;
  for (const Race::Standing& standing : sweep.standings) {
    if (!standing.behind) continue;
    ++dropped;
    EXPECT_LT(standing.behind->high, 0);
    EXPECT_GE(standing.leader, 0);
    EXPECT_LT(standing.folds, 5);
  }
  EXPECT_GT(dropped, 0);
}

TEST(Race, AFailedCellIsOutAndNamed) {
  MadeJudge judge(1, 0.01);
  Race race({.cells = 3, .folds = 2}, judge);
  race.decide();
  race.failed({0, true, 0});
  race.done({1, true, 0});
  race.done({2, true, 0});
  EXPECT_EQ(race.decide().wanted.size(), 2u);
  race.done({1, false, 0});
  race.failed({2, false, 0});
  EXPECT_THAT(race.decide().wanted, testing::ElementsAre(SweepTask{1, false, 1}));
  race.done({1, false, 1});
  race.decide();
  ASSERT_TRUE(race.over());
  EXPECT_EQ(race.winner(), 1);
  EXPECT_TRUE(race.standings()[0].failed);
  EXPECT_TRUE(race.standings()[2].failed);
  EXPECT_FALSE(race.standings()[1].failed);
}

TEST(Race, WithoutACompleteCellThereIsNoWinner) {
  MadeJudge judge(1, 0.01);
  Race race({.cells = 1, .folds = 2}, judge);
  race.decide();
  race.failed({0, false, 0});
  race.decide();
  race.done({0, false, 1});
  race.decide();
  ASSERT_TRUE(race.over());
  EXPECT_EQ(race.winner(), std::nullopt);
}

}  // namespace
}  // namespace pleat
