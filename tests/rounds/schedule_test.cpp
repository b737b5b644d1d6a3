#include "rounds/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "run/small_run.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ScheduleTest : public testing::Test {
 protected:
  // Two units (label, parity), one model, three folds.
  Schedule schedule(RoundsConfig rounds) {
    make_crops_of(folder_ / "crops.h5", usual_rows());
    RunConfig config = config_for(folder_ / "crops.h5");
    config.targets.push_back({.name = "parity"});
    config.rounds = std::move(rounds);
    const SmallRun run(config);
    return make_schedule({run.round.jobs, {}, {}}, run.config, run.dataset);
  }
  ScratchFolder folder_;
};

TEST_F(ScheduleTest, OneRoundIsThePlannedJobs) {
  const Schedule one = schedule({.count = 1});
  ASSERT_EQ(one.jobs.size(), 6u);
  EXPECT_EQ(one.jobs[4].name, "parity/small/fold 1");
  for (const auto& waits : one.waits_for) EXPECT_THAT(waits, IsEmpty());
}

TEST_F(ScheduleTest, AStudentWaitsForItsOwnFoldsTeachers) {
  const Schedule two = schedule({.count = 2});
  ASSERT_EQ(two.jobs.size(), 12u);
  EXPECT_EQ(two.jobs[10].name, "round 1/parity/small/fold 1");
  EXPECT_THAT(two.waits_for[10], ElementsAre(4));
  EXPECT_EQ(std::count_if(two.jobs.begin(), two.jobs.end(), [](const ScheduledJob& job) { return job.round == 1; }), 6);
}

TEST_F(ScheduleTest, WithSharedTeachersItWaitsForAllFoldsOfItsUnit) {
  EXPECT_THAT(schedule({.count = 2, .teacher = "shared"}).waits_for[10], ElementsAre(3, 4, 5));
}

TEST_F(ScheduleTest, ARoundWaitsForTheVerdictOnTheRoundBefore) {
  EXPECT_THAT(schedule({.count = 3}).waits_for[16], ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT(schedule({.count = 3, .stop = "never"}).waits_for[16], ElementsAre(10));
}

TEST_F(ScheduleTest, PartsAreStudentsOfTheirOwn) {
  const Schedule parts = schedule({.count = 3, .parts = 2, .stop = "never"});
  ASSERT_EQ(parts.jobs.size(), 6u + 12u + 12u);
  EXPECT_EQ(parts.jobs[6].name, "round 1/label/small/fold 0, part 0");
  EXPECT_THAT(parts.waits_for[7], ElementsAre(0));
  EXPECT_THAT(parts.waits_for[19], ElementsAre(6, 7));  // both parts of the fold teach each student of the next round
}

TEST_F(ScheduleTest, AJobWaitsForItsTrunkAndATrunkForItsParent) {
  make_crops_of(folder_ / "crops.h5", usual_rows());
  RunConfig config = config_for(folder_ / "crops.h5");
  const SmallRun run(config);
  std::vector<PlannedJob> first = run.round.jobs, trunks(2);
  trunks[0].work.key = "top";
  trunks[1].work = {.key = "below", .shared = {.from = 1, .until = 2, .trunk = "top"}};
  first[1].work.shared = {.from = 2, .trunk = "below"};
  const Schedule schedule = make_schedule({first, {}, trunks}, run.config, run.dataset);
  ASSERT_EQ(schedule.jobs.size(), 5u);
  EXPECT_THAT(schedule.waits_for, ElementsAre(IsEmpty(), ElementsAre(0), IsEmpty(), ElementsAre(1), IsEmpty()));
  EXPECT_EQ(schedule.jobs[1].round, kTrunkRound);
  EXPECT_EQ(schedule.jobs[1].trunk, 0);
  EXPECT_EQ(schedule.jobs[3].trunk, 1);
  EXPECT_EQ(schedule.jobs[4].trunk, -1);
}

}  // namespace
}  // namespace pleat
