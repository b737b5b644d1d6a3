// Files that survive a crash: whole or not at all. Also hashes, the run folder's lock, and fault points by which
// tests make a write fail or the process die at a named place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace pleat {

/// Replaces `path` with `bytes` so that a reader, or a crash at any moment, sees the old file or the new one:
/// temporary file beside it, fsync, rename, fsync of the folder. Throws DataError naming path and system error.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The second half of write_file, for a file that a library wrote as `partial`: fsync, rename, fsync of the folder.
void publish_file(const std::filesystem::path& partial, const std::filesystem::path& path);

/// Whole contents. Throws DataError if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// Creates the folder and those above it. Throws DataError naming the path.
void make_folder(const std::filesystem::path& path);

/// CRC-32 (zlib's polynomial) of the bytes; `seed` continues an earlier call's result.
std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);

/// SHA-256 in lowercase hex, 64 characters.
std::string sha256(std::string_view bytes);

/// Holds `path` for this process while it lives, so that two runs never write the same folder. The lock goes
/// with the process, however it dies. Throws DataError naming host and process of the holder.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& path);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

/// Does nothing, unless the environment says PLEAT_FAULT="name:count:action": then the count-th call with that
/// name (from 1) acts: "kill" sends SIGKILL to this process, "throw" throws a DataError, "nospace" throws as a
/// full disk would. "kill@1": on rank 1 alone. For tests of what a crash leaves behind.
void fault_point(std::string_view name);

}  // namespace pleat
