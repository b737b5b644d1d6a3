// Peak resident memory of this process, from /proc.
#pragma once

#include <fstream>
#include <string>

namespace pleat {

/// MB since reset_peak(), or since the process began.
inline double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

inline void reset_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace pleat
