// Checks that the program is built with LibTorch's threads. ATen's parallel_for is header code, and runs serially in a
// program compiled without OpenMP.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>

namespace pleat {
namespace {

TEST(Parallel, WorkIsSharedOutOverThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::set<int> threads;
  std::mutex mutex;
  at::parallel_for(0, 1 << 16, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    threads.insert(at::get_thread_num());
  });
  at::set_num_threads(before);
  EXPECT_EQ(threads.size(), 2U);
}

}  // namespace
}  // namespace pleat
