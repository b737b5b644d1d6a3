// Files that survive a crash: whole or not at all. Also hashes, the run folder's lock, and fault points by which
// tests make a write fail or the process die at a named place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Replaces `path` with `bytes` so that a reader, or a crash at any moment, sees the old file or the new one:
/// temporary file beside it, fsync, rename, fsync of the folder. Throws DataError naming path and system error.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The second half of write_file, for a file that a library wrote as `partial`: fsync, rename, fsync of the folder.
void publish_file(const std::filesystem::path& partial, const std::filesystem::path& path);

/// Whole contents. Throws DataError if it cannot be read to its end, or is a folder, a pipe or a device.
std::string read_file(const std::filesystem::path& path);

/// Throws UsageError if `out` is one of the files that are `read`, DataError if it is there and does not begin with
/// `first_bytes`, as `what` would: somebody's labels must not be overwritten by a slip of the keyboard. `flag` gave it.
void require_replaceable(const std::filesystem::path& out, std::string_view first_bytes, const char* what,
                         const std::vector<std::filesystem::path>& read, const char* flag = "--out");

/// Creates the folder and those above it. Throws DataError naming the path.
void make_folder(const std::filesystem::path& path);

/// CRC-32 (zlib's polynomial) of the bytes; `seed` continues an earlier call's result.
std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);

/// SHA-256 in lowercase hex, 64 characters.
std::string sha256(std::string_view bytes);

/// Writes all the bytes at that offset of an open file; `path` is for the error. Safe from many threads.
void write_at(int file, std::uint64_t offset, std::string_view bytes, const std::filesystem::path& path);

/// Throws DataError: "cannot <action> <path>: <system error>", and what to do about a full disk or missing permissions.
[[noreturn]] void throw_file_error(const char* action, const std::filesystem::path& path, int error);

/// This machine's name, as locks and errors give it.
std::string machine_name();

/// What a lock's refusal says, and whether its file stays.
struct LockOptions {
  std::string held;                                       // what the holder is at work on; empty: the lock's folder
  std::string remedy = "give another folder with --run";  // besides waiting for the holder or stopping it
  bool temporary = false;                                 // the file is removed with the lock
};

/// Holds `path` for this process while it lives, so that two runs never write the same folder. The lock goes
/// with the process, however it dies. Throws DataError naming host and process of the holder. On a file system
/// without locks it holds nothing, and warns.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& path, const LockOptions& options = {});
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  bool try_to_hold(const LockOptions& options);

  std::filesystem::path path_;
  bool temporary_;
  int file_ = -1;
};

/// Does nothing, unless the environment says PLEAT_FAULT="name:count:action": then the count-th call with that
/// name (from 1) acts: "kill" sends SIGKILL to this process, "stop" SIGUSR1, "throw" throws a DataError, "nospace"
/// throws as a full disk would. "kill@1": on rank 1 alone. For tests of what a crash leaves behind.
void fault_point(std::string_view name);

}  // namespace pleat
