#include "cluster/mpi_session.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::ElementsAre;

TEST(DistinctHosts, MachinesOfOneNameAreNumbered) {
  EXPECT_THAT(distinct_hosts({"a", "a", "b"}, {0, 0, 2}), ElementsAre("a", "a", "b"));
  EXPECT_THAT(distinct_hosts({"box", "box", "box", "box"}, {0, 1, 0, 1}), ElementsAre("box", "box#2", "box", "box#2"));
  EXPECT_THAT(distinct_hosts({"a", "b", "b", "a"}, {0, 1, 2, 3}), ElementsAre("a", "b", "b#2", "a#2"));
}

TEST(DistinctHosts, ContainersOfOneMachineAreOneHost) {
  EXPECT_THAT(distinct_hosts({"left", "right"}, {0, 0}), ElementsAre("left", "left")) << "they share its cores";
}

}  // namespace
}  // namespace pleat
