#include "base/heap.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

namespace pleat {
namespace {

constexpr std::size_t kLarge = 80 << 20;  // glibc maps and unmaps blocks above 32 MB one by one, unless told otherwise

// Page faults of taking, writing and giving back one large block.
long faults_of_a_large_block() {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const std::unique_ptr<char, void (*)(void*)> block(static_cast<char*>(std::malloc(kLarge)), std::free);
  std::memset(block.get(), 1, kLarge);
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

TEST(Heap, RoomCostsNoMemoryAndALargeBlockIsFaultedInOnce) {
  unsetenv("GLIBC_TUNABLES");  // whoever sets these is left alone
  unsetenv("MALLOC_TRIM_THRESHOLD_");
  const std::size_t before = resident_bytes();
  keep_large_blocks();
  EXPECT_LT(resident_bytes(), before + (16 << 20));
  faults_of_a_large_block();
  EXPECT_LT(faults_of_a_large_block(), 64);
}

}  // namespace
}  // namespace pleat
