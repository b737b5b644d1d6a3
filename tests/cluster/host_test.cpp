#include "cluster/host.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

namespace pleat {
namespace {

namespace fs = std::filesystem;

/// A synthetic mount of control groups in a temporary folder.
class Hierarchy {
 public:
  Hierarchy() : root_(fs::path(testing::TempDir()) / "pleat_host_test") { fs::remove_all(root_); }
  ~Hierarchy() { fs::remove_all(root_); }
  const fs::path& root() const { return root_; }
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }

 private:
  fs::path root_;
};

TEST(QuotaCores, NoFilesMeanNoLimit) {
  Hierarchy groups;
  EXPECT_EQ(quota_cores(groups.root(), "0::/\n"), 0);
  EXPECT_EQ(quota_cores(groups.root(), ""), 0);
  EXPECT_EQ(quota_cores(groups.root(), "garbage\n"), 0);
}

TEST(QuotaCores, Version2ReadsTheSmallestLimitOnTheWayUp) {
  Hierarchy groups;
  groups.put("cpu.max", "max 100000");
  groups.put("slurm/cpu.max", "400000 100000");
  groups.put("slurm/job/cpu.max", "max 100000");
  EXPECT_EQ(quota_cores(groups.root(), "0::/slurm/job\n"), 4);
  groups.put("slurm/job/cpu.max", "250000 100000");
  EXPECT_EQ(quota_cores(groups.root(), "0::/slurm/job\n"), 2) << "2.5 cores are two threads";
}

TEST(QuotaCores, LessThanOneCoreIsOne) {
  Hierarchy groups;
  groups.put("cpu.max", "50000 100000");
  EXPECT_EQ(quota_cores(groups.root(), "0::/\n"), 1);
}

TEST(QuotaCores, Version1ReadsTheCpuController) {
  Hierarchy groups;
  groups.put("cpu/docker/cpu.cfs_quota_us", "300000");
  groups.put("cpu/docker/cpu.cfs_period_us", "100000");
  groups.put("cpu/cpu.cfs_quota_us", "-1");
  groups.put("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota_cores(groups.root(), "5:memory:/docker\n4:cpu,cpuacct:/docker\n0::/\n"), 3);
  EXPECT_EQ(quota_cores(groups.root(), "4:cpuset:/docker\n"), 0);
}

TEST(UsableCores, FollowTheAffinityMask) {
  const std::vector<int> before = affinity_cores();
  ASSERT_FALSE(before.empty());
  cpu_set_t one, all;
  CPU_ZERO(&one);
  CPU_SET(before.back(), &one);
  sched_getaffinity(0, sizeof all, &all);
  sched_setaffinity(0, sizeof one, &one);
  EXPECT_EQ(usable_cores(), 1);
  EXPECT_THAT(affinity_cores(), testing::ElementsAre(before.back()));
  sched_setaffinity(0, sizeof all, &all);
  EXPECT_EQ(affinity_cores(), before);
}

TEST(WithinOneCore, CountsHardwareThreadsOfOneCoreAsOne) {
  Hierarchy machine;
  machine.put("cpu0/topology/thread_siblings_list", "0,8");
  machine.put("cpu2/topology/thread_siblings_list", "2-3");
  EXPECT_TRUE(within_one_core({0}, machine.root()));
  EXPECT_TRUE(within_one_core({0, 8}, machine.root()));
  EXPECT_TRUE(within_one_core({2, 3}, machine.root()));
  EXPECT_FALSE(within_one_core({0, 1}, machine.root()));
  EXPECT_FALSE(within_one_core({0, 8, 9}, machine.root()));
  EXPECT_TRUE(within_one_core({5}, machine.root())) << "a processor that is not listed is a core";
  EXPECT_FALSE(within_one_core({}, machine.root()));
}

TEST(SharedCores, AreTheUnionOfWhatBoundRanksOfOneHostMayUse) {
  Ranks ranks{
      .rank = 1, .size = 3, .all_gather = [](const std::string& mine) {
        return std::vector<std::string>{to_bytes(std::vector{100, 101}), mine, to_bytes(std::vector{200, 201, 202})};
      }};
  const int mine = static_cast<int>(affinity_cores().size());
  EXPECT_EQ(shared_cores(ranks, {"a", "a", "b"}), mine + 2);
  EXPECT_EQ(shared_cores(ranks, {"a", "b", "a"}), mine);
}

}  // namespace
}  // namespace pleat
