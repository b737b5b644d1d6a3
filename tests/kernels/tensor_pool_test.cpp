#include "kernels/tensor_pool.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace pleat {
namespace {

constexpr std::int64_t kLarge = 1 << 20;  // elements, of 4 bytes

std::uintptr_t address(const torch::Tensor& tensor) { return reinterpret_cast<std::uintptr_t>(tensor.data_ptr()); }

// Must run first: later tensors no longer come from the heap.
TEST(TensorPool, MemoryFromBeforeItsTimeIsFreedAsItWasTaken) {
  torch::Tensor before = torch::ones(kLarge);
  const c10::Allocator* heap = c10::GetCPUAllocator();
  use_tensor_pool();
  EXPECT_NE(c10::GetCPUAllocator(), heap);
  before.reset();
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1} << 20}) {
    void* raw = c10::GetCPUAllocator()->raw_allocate(bytes);
    std::memset(raw, 1, bytes);
    c10::GetCPUAllocator()->raw_deallocate(raw);
  }
}

TEST(TensorPool, GivesTheLowestRoomThatFits) {
  use_tensor_pool();
  torch::Tensor first = torch::empty(kLarge), second = torch::empty(kLarge), third = torch::empty(kLarge);
  const auto low = address(first), middle = address(second);
  EXPECT_LT(low, middle);
  EXPECT_LT(middle, address(third));
  first.reset();
  second.reset();
  EXPECT_EQ(address(torch::empty(kLarge + kLarge / 2)), low) << "the two rooms were not joined";
  const torch::Tensor again = torch::empty(kLarge);
  EXPECT_EQ(address(again), low);
  EXPECT_EQ(address(torch::empty(kLarge)), middle);
}

TEST(TensorPool, TensorsOfAllSizesAreAlignedAndTheirOwn) {
  use_tensor_pool();
  std::vector<torch::Tensor> tensors;
  for (const std::int64_t size : {0, 1, 100, 16383, 16384, 16385, 70000, 1 << 22}) {
    tensors.push_back(torch::full({size}, static_cast<double>(tensors.size())));
    if (size > 0) {
      EXPECT_EQ(address(tensors.back()) % 64, 0U) << size;
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i)
    EXPECT_TRUE((tensors[i] == static_cast<double>(i)).all().item<bool>());
}

// Makes, checks and drops tensors in an order that depends on `seed`.
void churn(unsigned seed, bool& good) {
  std::mt19937 random(seed);
  std::vector<std::pair<torch::Tensor, float>> live;
  for (int i = 0; i < 600; ++i) {
    if (live.size() > 8 || (!live.empty() && random() % 3 == 0)) {
      const std::size_t at = random() % live.size();
      good = good && (live[at].first == live[at].second).all().item<bool>();
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
    }
    const auto value = static_cast<float>(seed * 1000 + static_cast<unsigned>(i));
    live.emplace_back(torch::full({static_cast<std::int64_t>(random() % 60000)}, value), value);
  }
}

TEST(TensorPool, ThreadsGetBlocksOfTheirOwn) {
  use_tensor_pool();
  bool good[4] = {true, true, true, true};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back([&good, i] { churn(i, good[i]); });
  for (std::thread& thread : threads) thread.join();
  for (const bool each : good) EXPECT_TRUE(each);
}

}  // namespace
}  // namespace pleat
