#include "jobs/job_queue.h"

#include <gtest/gtest.h>

#include <random>

#include "jobs/job_key.h"

namespace pleat {
namespace {

TEST(JobQueue, ServesPendingJobsInOrderAndSettlesWhenAllHaveEnded) {
  JobQueue queue(3);
  EXPECT_EQ(queue.next(0), 0);
  EXPECT_EQ(queue.next(1), 1);
  queue.finish(1, 1);
  EXPECT_EQ(queue.next(1), 2);
  queue.finish(0, 0);
  EXPECT_EQ(queue.next(0), std::nullopt);
  EXPECT_FALSE(queue.settled()) << "slot 1 still runs a job";
  queue.finish(1, 2);
  EXPECT_TRUE(queue.settled());
  EXPECT_EQ(queue.count(JobState::kDone), 3);
}

TEST(JobQueue, WhatWasDoneBeforeIsNotServed) {
  JobQueue queue(3);
  queue.already_done(0);
  queue.already_done(2);
  EXPECT_EQ(queue.next(0), 1);
  EXPECT_EQ(queue.next(1), std::nullopt);
}

TEST(JobQueue, AFailedJobIsTriedAgainUpToItsAttempts) {
  JobQueue queue(1, /*attempts=*/2);
  EXPECT_EQ(queue.next(0), 0);
  queue.fail(0, 0);
  EXPECT_EQ(queue.state(0), JobState::kPending);
  EXPECT_EQ(queue.next(1), 0);
  queue.fail(1, 0);
  EXPECT_EQ(queue.state(0), JobState::kFailed);
  EXPECT_TRUE(queue.settled());
}

TEST(JobQueue, AClosedQueueSettlesOnceRunningJobsHaveEnded) {
  JobQueue queue(3);
  EXPECT_EQ(queue.next(0), 0);
  queue.close();
  EXPECT_EQ(queue.next(1), std::nullopt);
  EXPECT_FALSE(queue.settled());
  queue.put_back(0, 0);
  EXPECT_EQ(queue.state(0), JobState::kPending) << "a stopped job stays to be done";
  EXPECT_TRUE(queue.settled());
}

TEST(JobQueue, KnowsWhatRunsWhere) {
  JobQueue queue(3);
  queue.next(5);
  queue.next(2);
  queue.finish(5, 0);
  ASSERT_EQ(queue.running().size(), 1U);
  EXPECT_EQ(queue.running()[0].job, 1);
  EXPECT_EQ(queue.running()[0].slot, 2);
}

TEST(JobQueue, ASlotSpeaksOnlyForTheJobItRuns) {
  JobQueue queue(2);
  EXPECT_EQ(queue.next(0), 0);
  EXPECT_THROW(queue.next(0), std::logic_error);
  EXPECT_THROW(queue.finish(1, 0), std::logic_error);
  EXPECT_THROW(queue.fail(0, 1), std::logic_error);
  queue.finish(0, 0);
  EXPECT_THROW(queue.finish(0, 0), std::logic_error);
}

TEST(JobKey, DependsOnValuesAndNotOnTheOrderOfKeys) {
  const Json a{{"x", 1}, {"y", {{"b", 2.5}, {"a", "s"}}}}, reordered{{"y", {{"a", "s"}, {"b", 2.5}}}, {"x", 1}};
  EXPECT_EQ(job_key(a), job_key(reordered));
  EXPECT_EQ(job_key(a).size(), 32U);
  Json other = a;
  other["y"]["b"] = 2.5000001;
  EXPECT_NE(job_key(a), job_key(other));
}

TEST(JobKey, DifferingFieldsAreNamedWithBothValues) {
  const Json before{{"seed", 1}, {"train", {{"lr", 0.1}, {"epochs", 3}}}, {"models", {{{"id", "a"}}}}};
  Json after = before;
  after["train"]["lr"] = 0.2;
  after["models"][0]["id"] = "b";
  after["new"] = true;
  EXPECT_EQ(differing_fields(before, before), std::vector<std::string>{});
  const std::vector<std::string> expected{"train.lr: 0.1 -> 0.2", "models.0.id: \"a\" -> \"b\"", "new: null -> true"};
  EXPECT_EQ(differing_fields(before, after), expected);
}

TEST(JobQueue, WhatIsPendingIsWhatNextWillHandOut) {
  JobQueue queue(4);
  queue.already_done(1);
  EXPECT_EQ(queue.pending(), (std::vector<int>{0, 2, 3}));
  EXPECT_EQ(queue.next(0), 0);
  EXPECT_EQ(queue.pending(), (std::vector<int>{2, 3}));
  queue.put_back(0, 0);
  EXPECT_EQ(queue.pending(), (std::vector<int>{0, 2, 3}));
}

TEST(JobQueue, AJobRunsOnceAllThatItWaitsForAreDone) {
  JobQueue queue(JobDependencies{{2}, {}, {1}, {}});  // 1, then 2, then 0
  EXPECT_EQ(queue.next(0), 1);
  EXPECT_EQ(queue.next(1), 3);
  EXPECT_EQ(queue.next(2), std::nullopt);
  EXPECT_FALSE(queue.settled()) << "jobs 0 and 2 still wait";
  queue.finish(0, 1);
  EXPECT_EQ(queue.next(0), 2);
  queue.finish(0, 2);
  EXPECT_EQ(queue.next(0), 0);
  queue.finish(0, 0);
  queue.finish(1, 3);
  EXPECT_TRUE(queue.settled());
}

TEST(JobQueue, WhatWaitsForAFailedJobIsBlockedThroughOthersToo) {
  JobQueue queue(JobDependencies{{3}, {0}, {}, {}});
  EXPECT_EQ(queue.next(0), 2);
  EXPECT_EQ(queue.next(1), 3);
  EXPECT_EQ(queue.blocked_by(3), (std::vector<int>{0, 1}));
  EXPECT_EQ(queue.blocked_by(2), std::vector<int>{});
  queue.fail(1, 3);
  EXPECT_EQ(queue.state(0), JobState::kBlocked);
  EXPECT_EQ(queue.state(1), JobState::kBlocked);
  EXPECT_EQ(queue.next(1), std::nullopt);
  queue.finish(0, 2);
  EXPECT_TRUE(queue.settled());
  EXPECT_EQ(queue.count(JobState::kBlocked), 2);
}

TEST(JobQueue, WhatWaitsForAJobThatMayBeTriedAgainIsNotBlocked) {
  JobQueue queue(JobDependencies{{}, {0}}, /*attempts=*/2);
  EXPECT_EQ(queue.next(0), 0);
  queue.fail(0, 0);
  EXPECT_EQ(queue.state(1), JobState::kPending);
  EXPECT_EQ(queue.next(0), 0);
  queue.finish(0, 0);
  EXPECT_EQ(queue.next(0), 1);
}

TEST(JobQueue, APrerequisiteDoneBeforeTheStartCounts) {
  JobQueue queue(JobDependencies{{}, {0}});
  queue.already_done(0);
  EXPECT_EQ(queue.next(0), 1);
}

TEST(JobQueue, ACycleOrAnUnknownJobIsAMistakeInTheProgram) {
  EXPECT_THROW(JobQueue(JobDependencies{{1}, {0}}), std::logic_error);
  EXPECT_THROW(JobQueue(JobDependencies{{0}}), std::logic_error);
  EXPECT_THROW(JobQueue(JobDependencies{{5}}), std::logic_error);
  EXPECT_THROW(JobQueue(JobDependencies{{-1}}), std::logic_error);
}

// Random graphs with failing jobs: the final states are the same for any number of slots and any order of completion.
TEST(JobQueue, EndsAlikeForAnyNumberOfSlots) {
  std::mt19937 random(7);
  for (int graph = 0; graph < 50; ++graph) {
    const int jobs = 1 + static_cast<int>(random() % 40);
    JobDependencies waits_for(static_cast<std::size_t>(jobs));
    std::vector<bool> fails(static_cast<std::size_t>(jobs));
    for (int job = 0; job < jobs; ++job) {
      fails[std::size_t(job)] = random() % 8 == 0;
      for (int other = 0; other < jobs; ++other) {
        // The graph's order is that of 7 * job modulo a prime, so that job numbers do not follow it.
        if (other * 7 % 41 < job * 7 % 41 && random() % 6 == 0) waits_for[std::size_t(job)].push_back(other);
      }
    }
    std::vector<JobState> ends;
    for (const int slots : {1, 2, 5, 16}) {
      JobQueue queue(waits_for);
      std::vector<std::optional<int>> at_work(static_cast<std::size_t>(slots));
      while (!queue.settled()) {
        for (int slot = 0; slot < slots; ++slot) {
          if (!at_work[std::size_t(slot)]) at_work[std::size_t(slot)] = queue.next(slot);
        }
        const std::size_t slot = random() % std::size_t(slots);
        std::optional<int>& job = at_work[slot];
        if (!job) continue;
        for (const int before : waits_for[std::size_t(*job)]) EXPECT_EQ(queue.state(before), JobState::kDone);
        if (fails[std::size_t(*job)])
          queue.fail(static_cast<int>(slot), *job);
        else
          queue.finish(static_cast<int>(slot), *job);
        job.reset();
      }
      std::vector<JobState> states;
      for (int job = 0; job < jobs; ++job) states.push_back(queue.state(job));
      if (ends.empty()) ends = states;
      EXPECT_EQ(states, ends) << slots << " slots";
      EXPECT_EQ(queue.count(JobState::kPending) + queue.count(JobState::kRunning), 0);
    }
  }
}

TEST(JobQueue, AHeldJobWaitsForADecision) {
  JobQueue queue(JobDependencies{{}, {}, {1}, {}});
  for (const int job : {1, 2, 3}) queue.hold(job);
  EXPECT_EQ(queue.next(0), 0);
  EXPECT_EQ(queue.next(1), std::nullopt);
  queue.finish(0, 0);
  EXPECT_FALSE(queue.settled()) << "three jobs are not decided";
  queue.decide({.release = {3}, .drop = {1}});
  EXPECT_EQ(queue.state(2), JobState::kSkipped) << "it waits for a dropped job";
  EXPECT_EQ(queue.next(0), 3);
  queue.finish(0, 3);
  EXPECT_TRUE(queue.settled());
  queue.decide({.release = {3}, .drop = {2}});  // decided already
  EXPECT_EQ(queue.state(3), JobState::kDone);
}

TEST(JobQueue, AReleasedJobStillWaitsForItsPrerequisites) {
  JobQueue queue(JobDependencies{{}, {0}});
  queue.hold(1);
  queue.decide({.release = {1}, .drop = {}});
  EXPECT_EQ(queue.next(0), 0);
  EXPECT_EQ(queue.next(1), std::nullopt);
  queue.finish(0, 0);
  EXPECT_EQ(queue.next(1), 1);
}

TEST(JobQueue, OnlyHeldJobsCanBeDecided) {
  JobQueue queue(2);
  EXPECT_THROW(queue.decide({.release = {0}, .drop = {}}), std::logic_error);
}

}  // namespace
}  // namespace pleat
