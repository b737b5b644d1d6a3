// Memory that this machine, or this process's control groups, can still give.
#pragma once

#include <filesystem>
#include <string>

namespace pleat {

struct FreeMemory {
  double host = 0;    // bytes that the machine can give without swapping; infinite if unknown
  double groups = 0;  // bytes left of the tightest limit of the control groups; infinite without a limit
  double own = 0;     // bytes that this process holds and that are no page cache

  double least() const { return host < groups ? host : groups; }
};

/// Page cache that the kernel can drop counts as free.
///   meminfo: a file like /proc/meminfo; root, membership: as smallest_limit
FreeMemory read_free_memory(const std::filesystem::path& meminfo, const std::filesystem::path& root,
                            const std::string& membership);

/// Reads this process's. For tests, PLEAT_FREE_MEMORY sets FreeMemory::host in bytes.
FreeMemory free_memory();

}  // namespace pleat
