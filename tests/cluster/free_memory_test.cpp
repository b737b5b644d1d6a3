#include "cluster/free_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "cluster/control_groups.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

class FreeMemoryTest : public testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((scratch_.path() / file).parent_path());
    std::ofstream(scratch_.path() / file) << text;
  }
  FreeMemory read(const std::string& membership) const {
    return read_free_memory(scratch_.path() / "meminfo", scratch_.path(), membership);
  }

 private:
  ScratchFolder scratch_;
};

TEST_F(FreeMemoryTest, WithoutFilesNothingIsLimited) {
  EXPECT_EQ(read("0::/\n").host, kNoLimit);
  EXPECT_EQ(read("0::/\n").groups, kNoLimit);
  put("meminfo", "MemTotal: 100 kB\n");
  put("memory.max", "max\n");
  put("memory.current", "5000\n");
  EXPECT_EQ(read("0::/\n").host, kNoLimit) << "kernels before 3.14 do not report it";
  EXPECT_EQ(read("0::/\n").groups, kNoLimit);
}

TEST_F(FreeMemoryTest, TheHostReportsItsFreeMemoryInKibibytes) {
  put("meminfo", "MemTotal:       100 kB\nMemFree:        10 kB\nMemAvailable:   40 kB\n");
  EXPECT_EQ(read("").host, 40 * 1024);
  EXPECT_EQ(read("").least(), 40 * 1024);
}

TEST_F(FreeMemoryTest, TheTightestGroupOnTheWayUpCountsAndItsPageCacheIsFree) {
  put("slurm/memory.max", "9000\n");
  put("slurm/memory.current", "8000\n");
  put("slurm/memory.stat", "anon 5500\nfile 2500\ninactive_file 1500\nactive_file 500\n");
  put("slurm/job/memory.max", "7000\n");
  put("slurm/job/memory.current", "1000\n");
  EXPECT_EQ(read("0::/slurm/job\n").groups, 3000);
  put("slurm/job/memory.current", "6500\n");
  EXPECT_EQ(read("0::/slurm/job\n").groups, 500);
  put("slurm/job/memory.current", "7500\n");
  EXPECT_EQ(read("0::/slurm/job\n").groups, 0) << "a limit lowered below the use";
}

TEST_F(FreeMemoryTest, WhereTheKernelSlowsProcessesDownIsALimitToo) {
  put("memory.max", "max\n");
  put("memory.high", "6000\n");
  put("memory.current", "1000\n");
  EXPECT_EQ(read("0::/\n").groups, 5000);
  put("memory.max", "4000\n");
  EXPECT_EQ(read("0::/\n").groups, 3000);
}

TEST_F(FreeMemoryTest, Version1HasAFolderOfItsOwnAndAHugeNumberForNoLimit) {
  put("memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("memory/memory.usage_in_bytes", "4000\n");
  EXPECT_EQ(read("4:memory:/docker\n0::/\n").groups, kNoLimit);
  put("memory/docker/memory.limit_in_bytes", "6000\n");
  put("memory/docker/memory.usage_in_bytes", "4000\n");
  put("memory/docker/memory.stat", "inactive_file 1\ntotal_inactive_file 300\ntotal_active_file 200\n");
  EXPECT_EQ(read("4:memory:/docker\n0::/\n").groups, 2500);
  EXPECT_EQ(read("4:cpu:/docker\n0::/\n").groups, kNoLimit);
}

TEST(FreeMemory, ThisProcessHasSome) {
  EXPECT_GT(free_memory().least(), 1e6);
  EXPECT_LT(free_memory().host, 1e15);
  EXPECT_GT(free_memory().own, 1e5);
  EXPECT_LT(free_memory().own, 1e10);
}

}  // namespace
}  // namespace pleat
