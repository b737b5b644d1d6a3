// Files that survive a crash, whole or not at all. Also hashes, the run folder's lock, and fault points, with which
// tests make a write fail or the process die at a named place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pleat {

/// Replaces `path` with `bytes` atomically: a reader, or a crash at any moment, sees the old file or the new one.
/// Writes a temporary file beside it, then fsync, rename, fsync of the folder. Throws DataError naming path and system
/// error.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Publishes a file that a library wrote as `partial`: fsync, rename, fsync of the folder.
void publish_file(const std::filesystem::path& partial, const std::filesystem::path& path);

/// Makes renames in the folder of `path` last. write_file and publish_file do so themselves.
void sync_folder(const std::filesystem::path& path);

/// Returns the absolute path with links resolved; the path need not exist. Throws UsageError if it is empty.
std::filesystem::path resolved_path(const std::filesystem::path& path);

/// True if `inner` is `outer` or lies inside it, with links resolved.
bool lies_inside(const std::filesystem::path& inner, const std::filesystem::path& outer);

/// Throws DataError with the system's reason if that cannot be determined (no permission, a name too long).
bool file_exists(const std::filesystem::path& path);

/// Bytes that a user may still write to the disk of `path`, which need not exist. None if the system does not say.
std::optional<std::uint64_t> free_space(const std::filesystem::path& path);

/// Returns the whole content. Throws DataError if it cannot be read to its end, or is a folder, a pipe or a device.
std::string read_file(const std::filesystem::path& path);

/// Guards against overwriting a user's file by a typing mistake.
///   read: the command's input files; what: the kind of file that `first_bytes` begin; flag: the flag that gave `out`
/// Throws: UsageError if `out` is one of the input files; DataError if it exists and does not begin with `first_bytes`.
void require_replaceable(const std::filesystem::path& out, std::string_view first_bytes, const char* what,
                         const std::vector<std::filesystem::path>& read, const char* flag = "--out");

/// Creates the folder and its parents. Throws DataError naming the path.
void make_folder(const std::filesystem::path& path);

/// CRC-32 (zlib's polynomial) of the bytes; `seed` continues an earlier call's result.
std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);

/// SHA-256 in lowercase hex, 64 characters.
std::string sha256(std::string_view bytes);

/// Writes all bytes at that offset of an open file. `path`: for the error message. Thread-safe.
void write_at(int file, std::uint64_t offset, std::string_view bytes, const std::filesystem::path& path);

/// Throws DataError "cannot <action> <path>: <system error>", with a remedy for a full disk or missing permissions.
[[noreturn]] void throw_file_error(const char* action, const std::filesystem::path& path, int error);

/// This machine's name, for locks and messages.
std::string machine_name();

/// The wording of a lock's refusal, and the fate of its file.
struct LockOptions {
  std::string held;                                       // the thing in use; empty: the lock's folder
  std::string remedy = "give another folder with --run";  // in addition to waiting for or stopping the holder
  bool temporary = false;                                 // the file is removed with the lock
};

/// Holds a lock on `path`, so that two runs never write to one folder. The lock ends with the process, however it dies.
/// On a file system without locks it warns and holds nothing.
/// Throws: DataError naming host and process of the holder.
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

/// Injects a fault for tests, if the environment has PLEAT_FAULT="name:count:action"; else a no-op. The count-th call
/// with that name (from 1) acts: "kill" sends SIGKILL to this process, "stop" SIGUSR1, "throw" throws a DataError,
/// "nospace" throws as a full disk would. "kill@1": on rank 1 alone.
void fault_point(std::string_view name);

}  // namespace pleat
