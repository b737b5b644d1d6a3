#include "base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const char* action, const fs::path& path, int error) {
  const char* remedy = error == ENOSPC || error == EDQUOT  ? "; free some space and run again"
                       : error == EACCES || error == EROFS ? "; choose a place that can be written"
                                                           : "";
  throw DataError("cannot {} {}: {}{}", action, path.string(), std::strerror(error), remedy);
}

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, const char* action)
      : file_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (file_ < 0) fail(action, path, errno);
  }
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  int get() const { return file_; }

 private:
  int file_;
};

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void sync_folder(const fs::path& path) {
  const Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY, "open folder");
  // Some file systems refuse to sync a folder (EINVAL); there the rename is as safe as it gets.
  if (::fsync(folder.get()) != 0 && errno != EINVAL) fail("sync folder", path, errno);
}

void write_all(int file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void write_file(const fs::path& path, std::string_view bytes) {
  fs::path partial = path;
  partial += ".partial";
  try {
    {
      const Descriptor file(partial, O_WRONLY | O_CREAT | O_TRUNC, "write");
      // Half first, then a fault point: a test's kill leaves the worst file that a real one could.
      write_all(file.get(), bytes.substr(0, bytes.size() / 2), partial);
      fault_point("write_file");
      write_all(file.get(), bytes.substr(bytes.size() / 2), partial);
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
    if (::fsync(file.get()) != 0) fail("write", partial, errno);
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) fail("write", path, errno);
  sync_folder(path);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path))
    throw DataError("cannot read {}: {}", path.string(), std::strerror(errno ? errno : EISDIR));
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (file.bad()) throw DataError("cannot read {}: {}", path.string(), std::strerror(errno));
  return std::move(bytes).str();
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("make folder", path, error.value());
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

FolderLock::FolderLock(const fs::path& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail("write", path, errno);
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(file_);
    if (error != EWOULDBLOCK) fail("lock", path, error);
    std::string holder;
    std::getline(std::ifstream(path), holder);
    throw DataError("{} is in use by another live run ({}); wait for it, stop it, or give another folder with --run",
                    folder_of(path).string(), holder.empty() ? "holder unknown" : holder);
  }
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const std::string holder = fmt::format("host {}, process {}\n", host, ::getpid());
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, holder.data(), holder.size(), 0) < 0) {
    const int error = errno;
    ::close(file_);
    fail("write", path, error);
  }
}

FolderLock::~FolderLock() { ::close(file_); }

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
  if (std::getline(fields, rank) && rank != (own_rank ? own_rank : "0")) return;
  if (wanted != name || ++calls != std::atol(count.c_str())) return;
  if (action == "kill") ::raise(SIGKILL);
  if (action == "throw") throw DataError("fault injected at {}", name);
  if (action == "nospace") fail("write", fs::path(std::string(name)), ENOSPC);
}

}  // namespace pleat
