#include "kernels/tensor_pool.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <unordered_map>

namespace pleat {
namespace {

constexpr std::size_t kLine = 64;          // bytes: alignment of blocks
constexpr std::size_t kLeast = 64 << 10;   // bytes: smaller blocks stay on the heap
constexpr std::size_t kApart = 3 * kLine;  // gap between blocks: at equal offsets in their pages they would evict
                                           // each other from the cache
constexpr std::size_t kHugePage = 2UL << 20;

// The free parts of a region, by offset; neighbours are always joined.
class FreeParts {
 public:
  explicit FreeParts(std::size_t bytes) : parts_{{0, bytes}} {}

  /// Takes the lowest free part of that size. Returns its offset, or kNone.
  static constexpr std::size_t kNone = SIZE_MAX;
  std::size_t take(std::size_t bytes) {
    for (auto part = parts_.begin(); part != parts_.end(); ++part) {
      const auto [offset, room] = *part;
      if (room < bytes) continue;
      parts_.erase(part);
      if (room > bytes) parts_.emplace(offset + bytes, room - bytes);
      return offset;
    }
    return kNone;
  }

  void give_back(std::size_t offset, std::size_t bytes) {
    const auto after = parts_.lower_bound(offset);
    if (after != parts_.end() && offset + bytes == after->first) bytes += after->second, parts_.erase(after);
    const auto next = parts_.lower_bound(offset);
    if (next != parts_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == offset) {
        before->second += bytes;
        return;
      }
    }
    parts_.emplace(offset, bytes);
  }

 private:
  std::map<std::size_t, std::size_t> parts_;
};

class TensorPool : public c10::Allocator {
 public:
  TensorPool(char* region, std::size_t bytes, c10::Allocator& heap)
      : region_(region), bytes_(bytes), free_(bytes), heap_(heap) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    void* block = bytes < kLeast ? nullptr : take(bytes);
    if (block == nullptr) block = heap_.raw_allocate(bytes);
    return {block, block, &TensorPool::release, c10::DeviceType::CPU};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &TensorPool::release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  static TensorPool* instance;

 private:
  void* take(std::size_t bytes) {
    const std::size_t taken = (bytes + kLine - 1) / kLine * kLine + kApart;
    const std::lock_guard lock(mutex_);
    const std::size_t offset = free_.take(taken);
    if (offset == FreeParts::kNone) return nullptr;
    void* block = region_ + offset;
    taken_.emplace(block, taken);
    c10::profiledCPUMemoryReporter().New(block, bytes);
    return block;
  }

  void give_back(void* block) {
    c10::profiledCPUMemoryReporter().Delete(block);
    const std::lock_guard lock(mutex_);
    const auto entry = taken_.find(block);
    free_.give_back(static_cast<std::size_t>(static_cast<char*>(block) - region_), entry->second);
    taken_.erase(entry);
  }

  // A plain function, as LibTorch requires. `block` is null for a tensor without elements.
  static void release(void* block) {
    const char* at = static_cast<char*>(block);
    if (instance->region_ <= at && at < instance->region_ + instance->bytes_)
      instance->give_back(block);
    else
      instance->heap_.raw_deallocate(block);
  }

  char* region_;
  std::size_t bytes_;
  std::mutex mutex_;
  FreeParts free_;
  std::unordered_map<void*, std::size_t> taken_;
  c10::Allocator& heap_;
};

TensorPool* TensorPool::instance = nullptr;

// Strict overcommit and `ulimit -v` count addresses as memory. A region as large as the machine's memory would then
// leave nothing for other processes.
bool addresses_are_free() {
  int mode = 0;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> mode;
  rlimit limit{};
  return mode != 2 && getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

}  // namespace

void use_tensor_pool() {
  if (TensorPool::instance != nullptr || !addresses_are_free()) return;
  // A page takes memory only once it is written.
  const auto bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t reserved = bytes + kHugePage;
  void* mapped = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(mapped) + kHugePage - 1) / kHugePage * kHugePage;
  madvise(reinterpret_cast<void*>(begin), bytes, MADV_HUGEPAGE);
  // Never deleted: tensors of static lifetime outlive main.
  TensorPool::instance = new TensorPool(reinterpret_cast<char*>(begin), bytes, *c10::GetDefaultCPUAllocator());
  c10::SetCPUAllocator(TensorPool::instance);
}

}  // namespace pleat
