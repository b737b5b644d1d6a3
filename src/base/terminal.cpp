#include "base/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace pleat {
namespace fs = std::filesystem;
namespace {

struct Block {
  std::mutex mutex;  // guards the lines and standard error
  std::vector<std::string> lines;
};

Block& block() {
  static Block the_block;
  return the_block;
}

// Under mpirun a rank's standard error is a pipe to its parent, which copies it to its own. Returns the parent's
// terminal; empty if it has none, or if this process was not started by mpirun.
fs::path parent_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return {};
  std::error_code error;
  const fs::path device = fs::read_symlink(fmt::format("/proc/{}/fd/2", ::getppid()), error);
  if (error || (!device.native().starts_with("/dev/pts/") && !device.native().starts_with("/dev/tty"))) return {};
  return device;
}

int columns_of(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// The cursor stays behind the last line of the block.
std::string erasing(std::size_t lines) {
  if (lines == 0) return "";
  return lines == 1 ? "\r\x1b[J" : fmt::format("\r\x1b[{}A\x1b[J", lines - 1);
}

std::string drawing(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

void put(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

bool has_terminal() {
  static const bool has = ::isatty(STDERR_FILENO) != 0 || !parent_terminal().empty();
  return has;
}

int terminal_columns() {
  constexpr int kUsual = 80;
  int columns = columns_of(STDERR_FILENO);
  if (const fs::path device = columns == 0 ? parent_terminal() : fs::path(); !device.empty()) {
    const int descriptor = ::open(device.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0) {
      columns = columns_of(descriptor);
      ::close(descriptor);
    }
  }
  return columns > 0 ? columns : kUsual;
}

void show_block(std::vector<std::string> lines) {
  const int columns = terminal_columns();
  for (std::string& line : lines) line = cut_to_columns(line, columns - 1);  // a full line would wrap
  Block& now = block();
  const std::lock_guard lock(now.mutex);
  put(erasing(now.lines.size()) + drawing(lines));
  now.lines = std::move(lines);
}

BlockHidden::BlockHidden() {
  block().mutex.lock();
  if (!block().lines.empty()) put(erasing(block().lines.size()));
}

BlockHidden::~BlockHidden() {
  if (!block().lines.empty()) put(drawing(block().lines));
  block().mutex.unlock();
}

std::string_view cut_to_columns(std::string_view text, int columns) {
  std::size_t end = 0;
  for (int used = 0; end < text.size(); ++used) {
    if (used == columns) return text.substr(0, end);
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  }
  return text;
}

}  // namespace pleat
