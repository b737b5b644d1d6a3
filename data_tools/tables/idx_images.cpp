#include "data_tools/tables/idx_images.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/files.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kLabelMagic = 0x00000801;  // unsigned bytes, one dimension
constexpr std::uint32_t kImageMagic = 0x00000803;  // unsigned bytes, three dimensions
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 34;
constexpr std::uint32_t kMaxSide = 4096;
constexpr std::size_t kPiece = std::size_t{1} << 24;  // memory grows with the data, not with the header's claim

// zlib also reads files that are not compressed.
class IdxFile {
 public:
  explicit IdxFile(const fs::path& path) : path_(path.string()) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    // Checked before zlib opens the file, since a pipe would block for ever.
    if (fs::exists(status) && !fs::is_regular_file(status)) {
      throw DataError("cannot read {}: it is {}, expected an IDX file", path_,
                      fs::is_directory(status) ? "a folder" : "a pipe or a device");
    }
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_) throw_file_error("read", path, errno);
  }

  std::uint32_t number() {
    unsigned char bytes[4];
    if (read(bytes, sizeof bytes) != sizeof bytes) fail("ends inside its header");
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  }

  void expect_magic(std::uint32_t expected, const char* what) {
    const std::uint32_t found = number();
    if (found == expected) return;
    const char* hint = found == kLabelMagic ? " (these are labels)" : found == kImageMagic ? " (these are images)" : "";
    throw DataError("{} is not an IDX file of {}: it starts with 0x{:08X}{}, expected 0x{:08X}; give the file of {}",
                    path_, what, found, hint, expected, what);
  }

  std::vector<std::uint8_t> rest(std::uint64_t expected) {
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < expected) {
      const std::size_t had = bytes.size();
      bytes.resize(had + std::min<std::uint64_t>(kPiece, expected - had));
      const std::size_t got = read(bytes.data() + had, bytes.size() - had);
      if (got < bytes.size() - had) {
        throw DataError("{} holds {} bytes of data, its header announces {}; the file is cut short: fetch it again",
                        path_, had + got, expected);
      }
    }
    unsigned char more;
    if (read(&more, 1) != 0) {
      throw DataError("{} holds more than the {} bytes that its header announces; fetch the file again", path_,
                      expected);
    }
    return bytes;
  }

  [[noreturn]] void fail(const std::string& what) const { throw DataError("{} {}; fetch the file again", path_, what); }

 private:
  struct Closer {
    void operator()(gzFile file) const { gzclose(file); }
  };

  std::size_t read(void* to, std::size_t size) {
    const int got = gzread(file_.get(), to, static_cast<unsigned>(size));
    int error = Z_OK;
    const char* message = gzerror(file_.get(), &error);
    if (got < 0 || (error != Z_OK && error != Z_BUF_ERROR)) {
      const std::string_view reason = message;  // zlib puts the path in front
      const bool named = reason.starts_with(path_ + ": ");
      fail(fmt::format("cannot be unpacked ({})", named ? reason.substr(path_.size() + 2) : reason));
    }
    if (error == Z_BUF_ERROR) fail("is cut short (gzip data without an end)");
    return static_cast<std::size_t>(got);
  }

  std::string path_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Closer> file_;
};

}  // namespace

IdxImages read_idx_images(const fs::path& path) {
  IdxFile file(path);
  file.expect_magic(kImageMagic, "images");
  const std::uint32_t count = file.number(), height = file.number(), width = file.number();
  if (count == 0 || height == 0 || width == 0 || height > kMaxSide || width > kMaxSide ||
      std::uint64_t{count} * height * width > kMaxBytes) {
    file.fail(
        fmt::format("announces {} images of {}x{}, expected at least one, sides of 1 to {} and at most {} bytes in all",
                    count, height, width, kMaxSide, kMaxBytes));
  }
  return {.shape = {static_cast<int>(height), static_cast<int>(width), 1},
          .count = count,
          .pixels = file.rest(std::uint64_t{count} * height * width)};
}

std::vector<std::uint8_t> read_idx_labels(const fs::path& path) {
  IdxFile file(path);
  file.expect_magic(kLabelMagic, "labels");
  const std::uint32_t count = file.number();
  if (count == 0) file.fail("announces no labels");
  return file.rest(count);
}

}  // namespace pleat
