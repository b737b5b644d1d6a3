#include "cluster/device_choice.h"

#include <gmock/gmock.h>

namespace pleat {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Seen = std::vector<std::vector<std::string>>;

const std::vector<std::string> kFourOnOne(4, "a");

TEST(ChooseDevices, RanksThatSeeAllTakeThemInOrder) {
  const std::vector<std::string> all{"u0", "u1", "u2", "u3"};
  EXPECT_THAT(choose_devices("auto", kFourOnOne, Seen(4, all)).devices, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(choose_devices("auto", {"a", "b", "a", "b"}, Seen(4, {"u0", "u1"})).devices, ElementsAre(0, 0, 1, 1));
}

TEST(ChooseDevices, RanksThatWereGivenOneEachTakeIt) {
  const auto choice = choose_devices("auto", kFourOnOne, {{"u0"}, {"u1"}, {"u2"}, {"u3"}});
  EXPECT_THAT(choice.devices, ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(choice.why_cpu, IsEmpty());
  EXPECT_THAT(choose_devices("auto", {"a", "a"}, {{"u0", "u1"}, {"u0"}}).devices, ElementsAre(1, 0));
}

TEST(ChooseDevices, AutoSaysWhyItLeavesDevicesAlone) {
  const auto few = choose_devices("auto", kFourOnOne, Seen(4, {"u0", "u1"}));
  EXPECT_THAT(few.devices, IsEmpty());
  EXPECT_THAT(few.why_cpu, AllOf(HasSubstr("2 CUDA devices are not used"), HasSubstr("4 ranks for 2 CUDA devices")));
  const auto bare = choose_devices("auto", {"a", "b"}, {{"u0"}, {}});
  EXPECT_THAT(bare.devices, IsEmpty());
  EXPECT_THAT(bare.why_cpu, AllOf(HasSubstr("1 CUDA device is not used"), HasSubstr("host b (rank 1) has none")));
  const auto none = choose_devices("auto", {"a", "b"}, {{}, {}});
  EXPECT_THAT(none.devices, IsEmpty());
  EXPECT_THAT(none.why_cpu, IsEmpty());
}

TEST(ChooseDevices, AsConfigured) {
  EXPECT_THAT(choose_devices("cpu", {"a"}, {{"u0"}}).devices, IsEmpty());
  EXPECT_THAT(choose_devices("cuda", kFourOnOne, Seen(4, {"u0", "u1"})).devices, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(choose_devices("cuda", {"a", "b"}, {{"u0"}, {}}).devices, ElementsAre(0, -1)) << "which must be refused";
}

}  // namespace
}  // namespace pleat
