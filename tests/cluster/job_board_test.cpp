#include "cluster/job_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/coordinator.h"

namespace pleat {
namespace {

struct Heard {
  std::vector<int> finished, failed;
  JobEvents events() {
    return {.finished = [this](int job, const std::vector<std::string>&) { finished.push_back(job); },
            .failed = [this](int job, const std::string&) { failed.push_back(job); },
            .progressed = [](int, const std::string&) {}};
  }
};

TEST(JobBoard, AJobsOwnFailureLeavesTheOthersRunning) {
  JobQueue queue(2);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(source->next(), 0);
  source->fail(0, ExitCode::kSomeFailed, "the loss is not finite");
  EXPECT_EQ(source->next(), 1);
  source->finish(1, {});
  EXPECT_EQ(source->next(), std::nullopt);
  EXPECT_THAT(heard.failed, testing::ElementsAre(0));
  EXPECT_NO_THROW(board.rethrow());
}

TEST(JobBoard, AnErrorInDataEndsTheRunAndOutranksTheStopsItCauses) {
  JobQueue queue(3);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto a = make_local_source(board, 0), b = make_local_source(board, 1);
  EXPECT_EQ(a->next(), 0);
  EXPECT_EQ(b->next(), 1);
  EXPECT_FALSE(b->stop_requested());
  a->fail(0, ExitCode::kData, "crops.h5 row 5: changed");
  EXPECT_TRUE(b->stop_requested());
  EXPECT_FALSE(board.settled());
  b->stopped(1);
  EXPECT_EQ(a->next(), std::nullopt);
  EXPECT_TRUE(board.settled());
  try {
    board.rethrow();
    FAIL() << "the error was forgotten";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_STREQ(error.what(), "crops.h5 row 5: changed");
  }
}

TEST(JobBoard, AResultThatCannotBeKeptIsNotDone) {
  JobQueue queue(1);
  JobBoard board(queue,
                 {.finished = [](int, const std::vector<std::string>&) { throw DataError("cannot write: no space"); },
                  .failed = [](int, const std::string&) {},
                  .progressed = [](int, const std::string&) {}});
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(source->next(), 0);
  source->finish(0, {"result"});
  EXPECT_EQ(queue.state(0), JobState::kPending);
  EXPECT_EQ(source->next(), std::nullopt);
  EXPECT_THROW(board.rethrow(), Error);
}

TEST(JobBoard, AStopOnRequestLeavesWithItsOwnCode) {
  JobQueue queue(2);
  Heard heard;
  JobBoard board(queue, heard.events());
  const auto source = make_local_source(board, 0);
  EXPECT_EQ(source->next(), 0);
  source->stopped(0);
  EXPECT_EQ(source->next(), std::nullopt);
  try {
    board.rethrow();
    FAIL() << "a stop must show";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kStopped);
  }
}

}  // namespace
}  // namespace pleat
