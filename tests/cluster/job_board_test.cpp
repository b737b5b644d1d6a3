#include "cluster/job_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>

#include "cluster/coordinator.h"

namespace pleat {
namespace {

struct Heard {
  std::vector<int> finished, failed;
  JobEvents events() {
    return {.finished = [this](int job, const std::string&) { finished.push_back(job); },
            .failed = [this](int job, const std::string&) { failed.push_back(job); },
            .progressed = [](int, const std::string&) {}};
  }
};

std::optional<int> next_of(JobSource& source) {
  const auto order = source.next();
  return order ? std::optional(order->job) : std::nullopt;
}

TEST(JobBoard, AJobsOwnFailureLeavesTheOthersRunning) {
  JobQueue queue(2);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->fail(0, ExitCode::kSomeFailed, "the loss is not finite");
  EXPECT_EQ(next_of(*source), 1);
  source->finish(1, "");
  EXPECT_EQ(next_of(*source), std::nullopt);
  EXPECT_THAT(heard.failed, testing::ElementsAre(0));
  EXPECT_FALSE(board.verdict());
}

TEST(JobBoard, AnErrorInDataEndsTheRunAndOutranksTheStopsItCauses) {
  JobQueue queue(3);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto a = make_local_source(board, 0), b = make_local_source(board, 1);
  EXPECT_EQ(next_of(*a), 0);
  EXPECT_EQ(next_of(*b), 1);
  EXPECT_FALSE(b->stop_requested());
  a->fail(0, ExitCode::kData, "crops.h5 row 5: changed");
  EXPECT_TRUE(b->stop_requested());
  b->stopped(1);
  EXPECT_EQ(next_of(*a), std::nullopt);
  ASSERT_TRUE(board.verdict());
  EXPECT_EQ(board.verdict()->code(), ExitCode::kData);
  EXPECT_STREQ(board.verdict()->what(), "crops.h5 row 5: changed");
}

TEST(JobBoard, AResultThatCannotBeKeptIsNotDone) {
  JobQueue queue(1);
  JobBoard board(queue, {.finished = [](int, const std::string&) { throw DataError("cannot write: no space"); },
                         .failed = [](int, const std::string&) {},
                         .progressed = [](int, const std::string&) {}});
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->finish(0, "result");
  EXPECT_EQ(queue.state(0), JobState::kPending);
  EXPECT_EQ(next_of(*source), std::nullopt);
  ASSERT_TRUE(board.verdict());
  EXPECT_EQ(board.verdict()->code(), ExitCode::kData);
}

TEST(JobBoard, AResultThatIsUnusableIsItsJobsFailureAlone) {
  JobQueue queue(3);
  Heard heard;
  JobEvents events = heard.events();
  events.finished = [&](int job, const std::string&) {
    if (job == 0) throw ErrorOf<ExitCode::kSomeFailed>("it cannot be scored");
    if (job == 1) throw std::runtime_error("no error of ours");
    heard.finished.push_back(job);
  };
  JobBoard board(queue, events);
  const auto source = make_local_source(board, 0);
  while (const auto job = next_of(*source)) source->finish(*job, "");
  EXPECT_THAT(heard.failed, testing::ElementsAre(0, 1));
  EXPECT_THAT(heard.finished, testing::ElementsAre(2));
  EXPECT_EQ(queue.count(JobState::kFailed), 2);
  EXPECT_FALSE(board.verdict());
}

TEST(JobBoard, JobsThatWaitForAFailedOneFailWithItAndSaySo) {
  JobQueue queue(JobDependencies{{}, {0}, {}});
  std::vector<std::pair<int, std::string>> failed;
  Heard heard;
  JobEvents events = heard.events();
  events.failed = [&](int job, const std::string& message) { failed.emplace_back(job, message); };
  JobBoard board(queue, events);
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->fail(0, ExitCode::kSomeFailed, "the loss is not finite");
  EXPECT_EQ(next_of(*source), 2);
  source->finish(2, "");
  EXPECT_EQ(next_of(*source), std::nullopt);
  EXPECT_THAT(failed, testing::ElementsAre(testing::Pair(0, "the loss is not finite"),
                                           testing::Pair(1, testing::HasSubstr("waits for has failed"))));
}

TEST(JobBoard, TwoFailuresAtOnceReportAJobThatWaitsForBothOnce) {
  for (int turn = 0; turn < 200; ++turn) {
    JobQueue queue(JobDependencies{{}, {}, {0, 1}});
    Heard heard;
    JobBoard board(queue, heard.events());
    board.next(0);
    board.next(1);
    std::thread other([&] { board.fail(1, 1, ExitCode::kSomeFailed, "b"); });
    board.fail(0, 0, ExitCode::kSomeFailed, "a");
    other.join();
    EXPECT_THAT(heard.failed, testing::UnorderedElementsAre(0, 1, 2));
    EXPECT_EQ(board.next(0).answer, JobBoard::Answer::kNoMore);
  }
}

TEST(JobBoard, StepsGoOnWhileAResultIsWritten) {
  JobQueue queue(2);
  Heard heard;
  JobEvents events = heard.events();
  std::promise<void> writing, written;
  events.finished = [&](int, const std::string&) {
    writing.set_value();
    written.get_future().wait();
  };
  JobBoard board(queue, events);
  EXPECT_EQ(board.next(0).job, 0);
  std::thread writer([&] { board.finish(0, 0, ""); });
  writing.get_future().wait();
  EXPECT_FALSE(board.stopping());
  EXPECT_EQ(board.next(1).job, 1);
  written.set_value();
  writer.join();
  EXPECT_EQ(queue.state(0), JobState::kDone);
}

TEST(JobBoard, SaysWhatRunsWhereWhenToldToEnd) {
  JobQueue queue(3);
  Heard heard;
  JobEvents events = heard.events();
  std::vector<std::pair<int, int>> ran;
  events.terminating = [&](const std::vector<JobQueue::Running>& running) {
    for (const auto& [job, slot] : running) ran.emplace_back(job, slot);
  };
  JobBoard board(queue, events);
  board.next(4);
  board.next(2);
  board.finish(4, 0, "");
  board.next(0);
  board.terminating();
  EXPECT_THAT(ran, testing::ElementsAre(testing::Pair(1, 2), testing::Pair(2, 0)));
}

TEST(JobBoard, AStopOnRequestLeavesWithItsOwnCode) {
  JobQueue queue(2);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->stopped(0);
  EXPECT_EQ(next_of(*source), std::nullopt);
  ASSERT_TRUE(board.verdict());
  EXPECT_EQ(board.verdict()->code(), ExitCode::kStopped);
}

// Job 1 waits for job 0, and job 2 for job 1.
JobQueue chain() { return JobQueue(JobDependencies{{}, {0}, {1}}); }

TEST(JobBoard, AJobIsBriefedOnceItsPrerequisitesAreKept) {
  JobQueue queue = chain();
  Heard heard;
  JobEvents events = heard.events();
  events.starting = [&](int job, int) {
    return JobStart{.brief = std::to_string(job) + " after " + std::to_string(heard.finished.size())};
  };
  JobBoard board(queue, events);
  const auto source = make_local_source(board, 0);
  for (int job = 0; job < 3; ++job) {
    const auto order = source->next();
    ASSERT_TRUE(order);
    EXPECT_EQ(order->job, job);
    EXPECT_EQ(order->brief, std::to_string(job) + " after " + std::to_string(job));
    source->finish(job, "");
  }
  EXPECT_FALSE(source->next());
}

TEST(JobBoard, AJobThatIsDoneAlreadyIsPassedOver) {
  JobQueue queue = chain();
  Heard heard;
  JobEvents events = heard.events();
  events.starting = [](int job, int) { return JobStart{job == 1 ? JobStart::Kind::kDone : JobStart::Kind::kRun}; };
  JobBoard board(queue, events);
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->finish(0, "");
  EXPECT_EQ(next_of(*source), 2);
  EXPECT_EQ(queue.state(1), JobState::kDone);
  EXPECT_THAT(heard.finished, testing::ElementsAre(0));
}

TEST(JobBoard, ASkippedJobTakesThoseThatWaitForItAlong) {
  JobQueue queue = chain();
  Heard heard;
  JobEvents events = heard.events();
  events.starting = [](int job, int) { return JobStart{job == 1 ? JobStart::Kind::kSkip : JobStart::Kind::kRun}; };
  JobBoard board(queue, events);
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(next_of(*source), 0);
  source->finish(0, "");
  EXPECT_EQ(next_of(*source), std::nullopt);
  EXPECT_EQ(queue.count(JobState::kSkipped), 2);
  EXPECT_THAT(heard.failed, testing::IsEmpty());
  EXPECT_FALSE(board.verdict());
}

TEST(JobBoard, AJobThatCannotBeBriefedFailsOrEndsTheRun) {
  for (const ExitCode code : {ExitCode::kSomeFailed, ExitCode::kData}) {
    JobQueue queue = chain();
    Heard heard;
    JobEvents events = heard.events();
    events.starting = [code](int, int) -> JobStart { throw Error(code, "no labels"); };
    JobBoard board(queue, events);
    EXPECT_EQ(next_of(*make_local_source(board, 0)), std::nullopt);
    EXPECT_EQ(board.verdict().has_value(), code == ExitCode::kData);
    EXPECT_EQ(heard.failed.size(), code == ExitCode::kData ? 0u : 3u);
  }
}

}  // namespace
}  // namespace pleat
