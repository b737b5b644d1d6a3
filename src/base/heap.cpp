#include "base/heap.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace pleat {

#ifdef __GLIBC__
void keep_large_blocks() {
  constexpr int kNever = 1 << 30;  // bytes; only larger blocks are still mapped and unmapped one by one
  constexpr std::size_t kBlock = std::size_t{1000} << 20, kBlocks = 4;
  // A user who set these knows better.
  if (std::getenv("GLIBC_TUNABLES") != nullptr || std::getenv("MALLOC_TRIM_THRESHOLD_") != nullptr) return;
  mallopt(M_MMAP_THRESHOLD, kNever);
  mallopt(M_TRIM_THRESHOLD, -1);  // nothing is given back
  // Room at the end of the heap, advised to be on huge pages and handed back untouched: it costs no memory until the
  // heap grows into it.
  std::array<void*, kBlocks> room{};
  for (void*& block : room) block = std::malloc(kBlock);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (void* block : room) {
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
    if (block != nullptr) madvise(reinterpret_cast<void*>(begin), kBlock - page, MADV_HUGEPAGE);
  }
  for (void* block : room) std::free(block);
}
#else
void keep_large_blocks() {}
#endif

}  // namespace pleat
