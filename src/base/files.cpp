#include "base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/wording.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, const char* action)
      : path_(path), file_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (file_ < 0) throw_file_error(action, path, errno);
  }
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return file_; }
  // For writers: network file systems may report a failed write only here.
  void close() {
    if (::close(std::exchange(file_, -1)) != 0) throw_file_error("write", path_, errno);
  }

 private:
  fs::path path_;
  int file_;
};

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

void sync_folder(const fs::path& path) {
  const Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY, "open folder");
  // Some file systems refuse to sync a folder (EINVAL); there the rename is as safe as it gets.
  if (::fsync(folder.get()) != 0 && errno != EINVAL) throw_file_error("sync folder", path, errno);
}

fs::path resolved_path(const fs::path& path) {
  if (path.empty()) throw UsageError("a path is empty; give the name of a file or folder");
  std::error_code error;
  fs::path whole = fs::weakly_canonical(fs::absolute(path), error);
  if (error) throw_file_error("look for", path, error.value());
  return whole.has_filename() ? whole : whole.parent_path();  // "a/" is "a"
}

bool lies_inside(const fs::path& inner, const fs::path& outer) {
  const fs::path within = resolved_path(inner), around = resolved_path(outer);
  return std::mismatch(around.begin(), around.end(), within.begin(), within.end()).first == around.end();
}

void throw_file_error(const char* action, const fs::path& path, int error) {
  std::error_code ignored;
  const fs::path target = error == ENOENT ? fs::read_symlink(path, ignored) : fs::path();
  const std::string link =
      target.empty() ? "" : fmt::format("; it is a link to {}, which is not there", target.string());
  const std::string remedy = error == ENOSPC || error == EDQUOT ? "; free some space and run again"
                             : error == EACCES                  ? "; change its permissions or choose another place"
                             : error == EROFS                   ? "; choose a place that can be written"
                             : error == ELOOP                   ? "; the link leads back to itself"
                                                                : link;
  throw DataError("cannot {} {}: {}{}", action, path.string(), system_error(error), remedy);
}

void write_at(int file, std::uint64_t offset, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error("write", path, errno);
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  fs::path partial = path;
  partial += ".partial";
  try {
    {
      Descriptor file(partial, O_WRONLY | O_CREAT | O_TRUNC, "write");
      // Half first, then a fault point: a test's kill leaves the worst file that a real one could.
      const std::size_t half = bytes.size() / 2;
      write_at(file.get(), 0, bytes.substr(0, half), partial);
      fault_point("write_file");
      write_at(file.get(), half, bytes.substr(half), partial);
      file.close();
    }
    publish_file(partial, path);
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
}

void publish_file(const fs::path& partial, const fs::path& path) {
  {
    const Descriptor file(partial, O_RDWR, "open");
    if (::fsync(file.get()) != 0) throw_file_error("write", partial, errno);
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) throw_file_error("write", path, errno);
  sync_folder(path);
}

// Not a stream: there a failed read looks like the end of the file, and half a table would pass as the whole.
std::optional<std::uint64_t> free_space(const fs::path& path) {
  std::error_code error;
  fs::path existing = fs::absolute(path, error);
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, error);
  if (error) return std::nullopt;
  return space.available;
}

std::string read_file(const fs::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer; for files it means nothing.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK, "read");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_file_error("read", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw DataError("cannot read {}: it is {}, expected a file", path.string(),
                    S_ISDIR(status.st_mode) ? "a folder" : "a pipe or a device");
  }
  constexpr std::size_t kPiece = std::size_t{1} << 20;  // past the announced size: files grow, and those of /proc say 0
  std::string bytes;
  for (std::size_t size = 0;;) {
    if (size == bytes.size()) bytes.resize(size == 0 ? static_cast<std::size_t>(status.st_size) + 1 : size + kPiece);
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_file_error("read", path, errno);
    if (got == 0) {
      bytes.resize(size);
      return bytes;
    }
    size += static_cast<std::size_t>(got);
  }
}

void require_replaceable(const fs::path& out, std::string_view first_bytes, const char* what,
                         const std::vector<fs::path>& read, const char* flag) {
  std::error_code error;
  for (const fs::path& input : read) {
    if (fs::equivalent(out, input, error))
      throw UsageError("{} {} is an input file and would be lost; give another name", flag, out.string());
  }
  if (!fs::exists(out, error)) return;
  if (!fs::is_regular_file(out, error))
    throw DataError("{} is a folder, a pipe or a device; give {} the name of a file", out.string(), flag);
  if (fs::file_size(out, error) == 0) return;
  std::ifstream file(out, std::ios::binary);
  std::string begin(first_bytes.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (begin == first_bytes) return;
  throw DataError("{} exists and is no {}, so it is not overwritten; move it away or give another {}", out.string(),
                  what, flag);
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_file_error("make folder", path, error.value());
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t seed) {
  if (bytes.empty()) return seed;  // zlib answers a null pointer with its start value
  return static_cast<std::uint32_t>(::crc32_z(seed, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL refused to compute SHA-256");
  }
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

bool file_exists(const fs::path& path) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error) throw_file_error("look for", path, error.value());
  return exists;
}

std::string machine_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

FolderLock::FolderLock(const fs::path& path, const LockOptions& options) : path_(path), temporary_(options.temporary) {
  while (!try_to_hold(options)) {
  }
  const std::string holder = fmt::format("host {}, process {}\n", machine_name(), ::getpid());
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, holder.data(), holder.size(), 0) < 0) {
    const int error = errno;
    ::close(file_);
    throw_file_error("write", path, error);
  }
}

// Returns false if the previous holder removed the file meanwhile: our lock is then on a deleted file.
bool FolderLock::try_to_hold(const LockOptions& options) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) throw_file_error("write", path_, errno);
  int error = ::flock(file_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  for (int tries = 0; error == EWOULDBLOCK && tries < 5; ++tries) {  // pleat runs may be looking (is_locked)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    error = ::flock(file_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  }
  if (error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP) {
    spdlog::warn("{}: this file system has no locks ({}); do not start two runs in this folder", path_.string(),
                 system_error(error));
    return true;
  }
  struct stat held {
  }, there{};
  if (error == 0 && ::fstat(file_, &held) == 0 && ::stat(path_.c_str(), &there) == 0 && held.st_ino == there.st_ino) {
    return true;
  }
  ::close(std::exchange(file_, -1));
  if (error == 0) return false;
  if (error != EWOULDBLOCK) throw_file_error("lock", path_, error);
  std::string holder;
  std::getline(std::ifstream(path_), holder);
  throw DataError("{} is in use by another live run ({}); wait for it, stop it, or {}",
                  options.held.empty() ? folder_of(path_).string() : options.held,
                  holder.empty() ? "holder unknown" : holder, options.remedy);
}

FolderLock::~FolderLock() {
  if (temporary_) ::unlink(path_.c_str());  // while it is held: the next holder makes a new one
  ::close(file_);
}

void fault_point(std::string_view name) {
  const char* text = std::getenv("PLEAT_FAULT");
  if (text == nullptr) return;
  static std::atomic<long> calls{0};
  std::istringstream fields(text);
  std::string wanted, count, action;
  std::getline(fields, wanted, ':');
  std::getline(fields, count, ':');
  std::getline(fields, action, '@');
  std::string rank;  // "kill@1": there alone
  const char* own_rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (own_rank == nullptr) own_rank = std::getenv("PMIX_RANK");  // under srun
  if (std::getline(fields, rank) && rank != (own_rank ? own_rank : "0")) return;
  if (wanted != name || ++calls != std::atol(count.c_str())) return;
  if (action == "kill") ::raise(SIGKILL);
  if (action == "stop") ::raise(SIGUSR1);
  if (action == "throw") throw DataError("fault injected at {}", name);
  if (action == "nospace") throw_file_error("write", fs::path(std::string(name)), ENOSPC);
}

}  // namespace pleat
