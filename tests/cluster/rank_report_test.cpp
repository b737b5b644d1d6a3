#include "cluster/rank_report.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RankReport rank_of(const std::string& host, std::vector<int> cores, int online) {
  const int usable = static_cast<int>(cores.size());
  return {.host = host,
          .cores = std::move(cores),
          .one_core = usable == 1,
          .usable_cores = usable,
          .online_cores = online,
          .cpu = "AVX2"};
}

TEST(CoreList, IsShort) {
  EXPECT_EQ(core_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(core_list({5}), "5");
  EXPECT_EQ(core_list({0, 2, 3}), "0,2-3");
  EXPECT_EQ(core_list({}), "unknown");
}

TEST(FindProblems, SaysNothingWhereAllIsWell) {
  EXPECT_THAT(find_problems({rank_of("a", {0, 1, 2, 3}, 4), rank_of("a", {0, 1, 2, 3}, 4)}, true), IsEmpty());
  EXPECT_THAT(find_problems({rank_of("a", {0, 1}, 4), rank_of("a", {2, 3}, 4)}, true), IsEmpty());
  EXPECT_THAT(find_problems({rank_of("a", {0}, 2), rank_of("a", {1}, 2)}, true), IsEmpty()) << "a core for each rank";
  EXPECT_THAT(find_problems({rank_of("a", {0}, 1)}, true), IsEmpty());
  EXPECT_THAT(find_problems({rank_of("a", {3}, 8)}, false), IsEmpty()) << "alone: whoever set the mask meant it";
}

TEST(FindProblems, NamesABindingToOneCoreAndTheRemedy) {
  EXPECT_THAT(find_problems({rank_of("a", {0}, 8), rank_of("a", {1}, 8)}, true),
              ElementsAre(AllOf(HasSubstr("host a"), HasSubstr("2 of 2 ranks"), HasSubstr("--bind-to none"),
                                HasSubstr("--map-by slot:PE=4"))));
}

TEST(FindProblems, ABindingToBothThreadsOfOneCoreIsOneToo) {
  RankReport rank = rank_of("a", {0, 8}, 16);
  EXPECT_THAT(find_problems({rank}, true), IsEmpty()) << "two whole cores, by someone's choice";
  rank.one_core = true;
  EXPECT_THAT(find_problems({rank}, true), ElementsAre(HasSubstr("1 of 1 ranks are bound to one core")));
}

TEST(FindProblems, NamesRanksThatAreBoundToTheSameCoreWhileOthersIdle) {
  EXPECT_THAT(find_problems({rank_of("a", {0}, 2), rank_of("a", {0}, 2)}, true),
              ElementsAre(AllOf(HasSubstr("bound to one core"), HasSubstr("--bind-to none"))));
}

TEST(FindProblems, NamesRanksThatShareCores) {
  const RankReport rank = rank_of("a", {0, 1}, 2);
  EXPECT_THAT(find_problems({rank, rank, rank}, true), ElementsAre(HasSubstr("3 ranks share 2 cores")));
}

TEST(FindProblems, CountsAQuotaAsCores) {
  RankReport rank = rank_of("a", {0, 1, 2, 3}, 4);
  rank.usable_cores = 1;
  EXPECT_THAT(find_problems({rank, rank}, true), ElementsAre(HasSubstr("2 ranks share 1 cores")));
}

TEST(FindProblems, NamesDevicesThatAreLeftAlone) {
  RankReport rank = rank_of("a", {0, 1, 2, 3}, 4);
  rank.devices = {"H200"};
  rank.device_identities = {"u0"};
  EXPECT_THAT(find_problems({rank, rank}, true), ElementsAre(HasSubstr("2 ranks for 1 CUDA device")));
}

TEST(FindProblems, NamesADeviceThatCannotBeUsed) {
  RankReport rank = rank_of("a", {0, 1}, 2);
  rank.has_nvidia_device = true;
  EXPECT_THAT(find_problems({rank}, true), ElementsAre(HasSubstr("nvidia-smi")));
}

TEST(FindProblems, NamesHostsThatDiffer) {
  RankReport a = rank_of("a", {0}, 1), b = rank_of("b", {0}, 1);
  b.cpu = "AVX512";
  b.build = "other";
  EXPECT_THAT(find_problems({a, b}, true), ElementsAre(HasSubstr("different builds"), HasSubstr("different CPUs")));
}

TEST(GatherReports, KeepsWhatWasMeasured) {
  const RankReport mine = measure_rank(0, "here");
  const auto all = gather_reports(Ranks{}, mine);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].host, "here");
  EXPECT_EQ(all[0].cores, mine.cores);
  EXPECT_GE(all[0].usable_cores, 1);
  EXPECT_FALSE(all[0].cpu.empty());
  EXPECT_EQ(all[0].build, mine.build);
}

TEST(WhoSees, LeavesNothingBehind) {
  const fs::path folder = fs::path(testing::TempDir()) / "pleat_who_sees";
  fs::remove_all(folder);
  EXPECT_THAT(who_sees(folder.string(), Ranks{}), ElementsAre(true));
  EXPECT_FALSE(fs::exists(folder)) << "a folder that was not there is not there afterwards";
  fs::create_directories(folder);
  EXPECT_THAT(who_sees(folder.string(), Ranks{}), ElementsAre(true));
  EXPECT_TRUE(fs::is_empty(folder));
  fs::remove_all(folder);
}

TEST(WhoSees, SaysWhereItCannotWrite) {
  const fs::path file = fs::path(testing::TempDir()) / "pleat_no_folder";
  std::ofstream(file) << "a file";
  EXPECT_THROW(who_sees((file / "run").string(), Ranks{}), DataError);
  fs::remove(file);
}

}  // namespace
}  // namespace pleat
