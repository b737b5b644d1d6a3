#include "base/once.h"

#include <mutex>
#include <set>

#include "base/log.h"

namespace pleat {

void say_once(const std::string& line) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard lock(mutex);
  if (said.insert(line).second) spdlog::info("{}", line);
}

}  // namespace pleat
