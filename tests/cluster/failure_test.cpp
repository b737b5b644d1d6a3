#include "cluster/failure.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include "base/error.h"

namespace pleat {
namespace {

TEST(MessageOf, LeavesOutTheStackOfLibTorchsErrors) {
  try {
    TORCH_CHECK(false, "sizes do not match");
  } catch (const std::exception& error) {
    EXPECT_EQ(message_of(error), "sizes do not match");
  }
  EXPECT_EQ(message_of(DataError("row {} is bad", 5)), "row 5 is bad");
}

TEST(EndAllRanksDeathTest, SaysWhyAndExitsWithTheErrorsCode) {
  EXPECT_EXIT(end_all_ranks(DataError("row {} is bad", 5)), testing::ExitedWithCode(3), "");
  EXPECT_EXIT(end_all_ranks(std::runtime_error("a bug")), testing::ExitedWithCode(4), "");
}

TEST(EndAllRanksDeathTest, SoDoesAThreadThatThrows) {
  EXPECT_EXIT(
      {
        end_all_ranks_on_terminate("pleat train a.yaml");
        std::terminate();
      },
      testing::ExitedWithCode(4), "");
}

}  // namespace
}  // namespace pleat
