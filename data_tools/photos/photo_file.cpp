#include "data_tools/photos/photo_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/wording.h"
#include "data_tools/photos/image_header.h"

namespace pleat {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;

class File {
 public:
  // Non-blocking, because a pipe without a writer would block for ever.
  explicit File(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Errors that are not the photo's fault (a network folder gone for a moment, too many open files) end the run.
// Otherwise --skip-bad would leave out good photos.
[[noreturn]] void unreadable(const std::filesystem::path& path, int error) {
  throw DataError("cannot read {} ({}); fix that, then run again", path.string(), system_error(error));
}

[[noreturn]] void cannot_be_opened(const std::filesystem::path& path, int error) {
  std::error_code ignored;
  const auto target = std::filesystem::read_symlink(path, ignored);
  if (error == ELOOP) throw BadPhoto("a link that leads back to itself; replace it by the photo");
  if (error == ENOENT && !target.empty())
    throw BadPhoto(fmt::format("a link to {}, which does not exist; replace it by the photo", target.string()));
  if (error == ENOENT || error == ENOTDIR) throw BadPhoto(kNoSuchFile);
  if (error == EACCES) throw BadPhoto("cannot be read (Permission denied); make it readable");
  if (error == ENXIO) throw BadPhoto("a socket, not a file");
  if (error == ENAMETOOLONG) throw BadPhoto("cannot be read (File name too long)");
  unreadable(path, error);
}

}  // namespace

std::vector<std::uint8_t> read_photo(const std::filesystem::path& path) {
  const File file(path);
  if (file.descriptor() < 0) cannot_be_opened(path, errno);
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) unreadable(path, errno);
  if (!S_ISREG(status.st_mode))
    throw BadPhoto(S_ISDIR(status.st_mode) ? "a folder, not a file" : "a pipe or device, not a file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxFileBytes)
    throw BadPhoto(fmt::format("file of {} MiB, at most {} are read; shrink it", size >> 20, kMaxFileBytes >> 20));
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = ::read(file.descriptor(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) unreadable(path, errno);
    if (count == 0) throw BadPhoto("became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace pleat
