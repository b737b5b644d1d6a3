// run_jobs with jobs that do nothing: distribution of jobs to slots, and effects of failures.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/error.h"
#include "cluster/slot.h"
#include "mpi/mpi_test.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;
using JobFailed = ErrorOf<ExitCode::kSomeFailed>;

/// Parameter: shards per slot.
class RunJobs : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (session().size() < GetParam()) GTEST_SKIP() << "needs more ranks";
  }

  /// Runs `count` jobs on slots of GetParam() ranks. `work` is collective over the slot's ranks.
  using Work = std::function<std::string(int job, const Slot& slot, JobSource* source)>;
  void run(int count, const Work& work) {
    const RankLayout layout = make_layout({.world_size = session().size(), .shards = GetParam()});
    const Slot slot(session(), layout, torch::kCPU);
    queue.emplace(count);
    const JobEvents events{.finished =
                               [this](int job, const std::string& result) {
                                 EXPECT_EQ(result, "result of " + std::to_string(job));
                                 ++finished[job];
                               },
                           .failed = [this](int job, const std::string& text) { failed[job] = text; },
                           .progressed = [this](int, const std::string&) { ++reports; }};
    verdict = run_jobs(session(), layout, slot, *queue, events, [&](JobSource* source) -> JobWork {
      return [&, source](int job, const std::string&) { return work(job, slot, source); };
    });
  }

  static std::string result_of(int job) { return "result of " + std::to_string(job); }
  static bool on_rank_0() { return session().rank() == 0; }

  std::optional<JobQueue> queue;
  std::map<int, int> finished;
  std::map<int, std::string> failed;
  int reports = 0;
  std::optional<Error> verdict;
};
INSTANTIATE_TEST_SUITE_P(Shards, RunJobs, testing::Values(1, 2));

TEST_P(RunJobs, DoesEachJobOnce) {
  run(23, [](int job, const Slot& slot, JobSource* source) {
    slot.ranks().barrier();
    if (source) source->progress(job, "half");
    return result_of(job);
  });
  EXPECT_FALSE(verdict);
  if (!on_rank_0()) return;
  EXPECT_EQ(finished.size(), 23u);
  for (const auto& [job, times] : finished) EXPECT_EQ(times, 1) << job;
  EXPECT_EQ(reports, 23);
  EXPECT_EQ(queue->count(JobState::kDone), 23);
}

TEST_P(RunJobs, AJobsOwnFailureLeavesTheOthersGoing) {
  run(9, [](int job, const Slot& slot, JobSource*) {
    together(slot.ranks(), [&] {
      if (job % 4 == 1 && slot.leads()) throw JobFailed("job {} diverged", job);
    });
    return result_of(job);
  });
  EXPECT_FALSE(verdict);
  if (!on_rank_0()) return;
  EXPECT_THAT(failed, testing::ElementsAre(testing::Pair(1, "job 1 diverged"), testing::Pair(5, "job 5 diverged")));
  EXPECT_EQ(finished.size(), 7u);
}

TEST_P(RunJobs, AFatalErrorStopsTheOthersAndIsTheVerdict) {
  run(50, [](int job, const Slot& slot, JobSource* source) {
    if (job == 2) together(slot.ranks(), [] { throw DataError("the disk is full"); });
    // Other jobs run until they are asked to stop. With a single slot there are none.
    while (job > 2) {
      const bool stop = slot.ranks().all_gather(source && source->stop_requested() ? "stop" : "").front() == "stop";
      if (stop) throw StopRequested("stopped");
      std::this_thread::sleep_for(1ms);
    }
    return result_of(job);
  });
  EXPECT_EQ(bool(verdict), on_rank_0());
  if (!on_rank_0()) return;
  EXPECT_EQ(verdict->code(), ExitCode::kData);
  EXPECT_STREQ(verdict->what(), "the disk is full");
  EXPECT_EQ(queue->state(2), JobState::kPending);
  EXPECT_EQ(queue->count(JobState::kRunning), 0);
  EXPECT_LE(finished.size(), 2u);
  EXPECT_TRUE(failed.empty());
}

TEST_P(RunJobs, AStopLeavesTheRestPending) {
  run(50, [](int job, const Slot&, JobSource*) -> std::string {
    if (job >= 3) throw StopRequested("stopped on request");
    return result_of(job);
  });
  if (!on_rank_0()) return;
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->code(), ExitCode::kStopped);
  EXPECT_EQ(finished.size(), 3u);
  EXPECT_EQ(queue->count(JobState::kPending), 47);
}

TEST_P(RunJobs, WithNothingToDoEnds) {
  run(0, [](int, const Slot&, JobSource*) -> std::string { throw std::logic_error("there is no job"); });
  EXPECT_FALSE(verdict);
}

}  // namespace
}  // namespace pleat
