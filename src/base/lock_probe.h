// Looks at a lock file without taking its lock.
#pragma once

#include <filesystem>

namespace pleat {

/// True if another process holds the FolderLock of this file. False if the file is missing, cannot be opened, or is on
/// a file system without locks.
bool is_locked(const std::filesystem::path& lock);

}  // namespace pleat
