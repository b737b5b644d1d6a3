#include "jobs/job_queue.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace pleat
