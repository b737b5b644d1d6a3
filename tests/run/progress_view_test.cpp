#include "run/progress_view.h"

#include <gmock/gmock.h>

#include "base/terminal.h"

namespace pleat {
namespace {

using testing::ElementsAre;

TEST(ProgressView, ABarIsFullOnlyAtTheEnd) {
  EXPECT_EQ(progress_bar(0), "░░░░░░░░░░░░░░░░░░░░");
  EXPECT_EQ(progress_bar(0.5), "██████████░░░░░░░░░░");
  EXPECT_EQ(progress_bar(0.999), "███████████████████░");
  EXPECT_EQ(progress_bar(1), "████████████████████");
  EXPECT_EQ(progress_bar(1.2), progress_bar(1)) << "a student with fewer rows than planned";
}

TEST(ProgressView, JobsAreAlignedAboveTheWholeRun) {
  EXPECT_THAT(progress_lines({{"mask/r18/fold 0", 0.5, "epoch 5 of 8"}, {"age/r18/fold 11", 0, "starting"}}, "all"),
              ElementsAre("mask/r18/fold 0  ██████████░░░░░░░░░░  epoch 5 of 8",
                          "age/r18/fold 11  ░░░░░░░░░░░░░░░░░░░░  starting", "all"));
}

TEST(ProgressView, BarsShrinkWhereTheTextNeedsTheRoom) {
  const RunningJob job{"label/resnet18/fold 0", 0.5, "epoch 3 of 8, loss 1.2063, 1,523 images/s"};
  const auto lines = progress_lines({job}, "all", {.columns = 80, .utf8 = false});
  EXPECT_EQ(lines[0], "label/resnet18/fold 0  ######.......  " + job.status);
  EXPECT_LT(lines[0].size(), 80U);
  EXPECT_EQ(progress_lines({job}, "all", {.columns = 40, .utf8 = false})[0],
            "label/resnet18/fold 0  ##...  " + job.status);
}

TEST(ProgressView, ManyJobsAreCounted) {
  const std::vector<RunningJob> jobs(100, {"job", 0, "starting"});
  const auto lines = progress_lines(jobs, "all");
  ASSERT_EQ(lines.size(), kShownJobs + 2);
  EXPECT_EQ(lines[kShownJobs], "and 88 more");
  EXPECT_EQ(lines.back(), "all");
}

TEST(CutToColumns, CountsCharactersNotBytes) {
  EXPECT_EQ(cut_to_columns("░█äb", 2), "░█");
  EXPECT_EQ(cut_to_columns("░█äb", 4), "░█äb");
  EXPECT_EQ(cut_to_columns("abc", 0), "");
}

}  // namespace
}  // namespace pleat
