#include "cluster/free_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "cluster/control_groups.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Returns the number behind `key` in a file of lines "key number"; `absent` without such a line.
double number_of(const fs::path& file, std::string_view key, double absent) {
  std::ifstream lines(file);
  for (std::string name; lines >> name;) {
    double value = 0;
    if (name == key) return lines >> value ? value : absent;
    lines.ignore(1 << 16, '\n');
  }
  return absent;
}

// A group's page cache is on two lists of the kernel, which it empties before it kills.
double left_of(double limit, double used, double cache) {
  constexpr double kUnlimited = 1e18;  // version 1 writes a limit near 2^63 for none
  return limit < 0 || limit >= kUnlimited || used < 0 ? kNoLimit : std::max(0.0, limit - used + cache);
}

// Above memory.high the kernel slows a process nearly to a halt.
double left_v2(const fs::path& folder) {
  const fs::path stat = folder / "memory.stat";
  const auto limit = [&](const char* name) {
    const double bytes = read_limit(folder / name);
    return bytes < 0 ? kNoLimit : bytes;
  };
  return left_of(std::min(limit("memory.max"), limit("memory.high")), read_limit(folder / "memory.current"),
                 number_of(stat, "inactive_file", 0) + number_of(stat, "active_file", 0));
}

double left_v1(const fs::path& folder) {
  const fs::path stat = folder / "memory.stat";
  return left_of(read_limit(folder / "memory.limit_in_bytes"), read_limit(folder / "memory.usage_in_bytes"),
                 number_of(stat, "total_inactive_file", 0) + number_of(stat, "total_active_file", 0));
}

}  // namespace

FreeMemory read_free_memory(const fs::path& meminfo, const fs::path& root, const std::string& membership) {
  constexpr double kKibibyte = 1024;
  return {.host = number_of(meminfo, "MemAvailable:", kNoLimit) * kKibibyte,
          .groups = smallest_limit(root, membership, {.controller = "memory", .v2 = left_v2, .v1 = left_v1})};
}

FreeMemory free_memory() {
  FreeMemory memory = read_free_memory("/proc/meminfo", kControlGroups, own_membership());
  if (const char* set = std::getenv("PLEAT_FREE_MEMORY")) memory.host = std::strtod(set, nullptr);
  double size = 0, resident = 0, of_files = 0;  // in pages
  if (std::ifstream("/proc/self/statm") >> size >> resident >> of_files)
    memory.own = std::max(0.0, resident - of_files) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return memory;
}

}  // namespace pleat
