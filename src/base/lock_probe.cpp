#include "base/lock_probe.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace pleat {

bool is_locked(const std::filesystem::path& lock) {
  const int file = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  // A shared lock fails only while the file is held exclusively. A run that starts at this moment is refused, so the
  // lock is held as briefly as possible.
  const bool held = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return held;
}

}  // namespace pleat
