#include "base/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace pleat {
namespace fs = std::filesystem;
namespace {

struct Block {
  std::timed_mutex mutex;  // guards the members below and standard error
  std::vector<std::string> lines;
  bool ended = false;
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

bool is_pipe(int descriptor) {
  struct stat state {};
  return ::fstat(descriptor, &state) == 0 && (S_ISFIFO(state.st_mode) || S_ISSOCK(state.st_mode));
}

bool can_redraw() {
  const char* kind = std::getenv("TERM");
  return kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

void read_size(int descriptor, TerminalSize& size) {
  winsize read{};
  if (::ioctl(descriptor, TIOCGWINSZ, &read) != 0) return;
  if (read.ws_col > 0) size.columns = read.ws_col;
  if (read.ws_row > 0) size.rows = read.ws_row;
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
  static const bool has =
      can_redraw() && (::isatty(STDERR_FILENO) != 0 || (is_pipe(STDERR_FILENO) && !parent_terminal().empty()));
  return has;
}

bool has_utf8() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);  // the user's, whatever this process has set
  if (locale == nullptr) return false;
  const bool utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return utf8;
}

TerminalSize terminal_size() {
  TerminalSize size;
  if (::isatty(STDERR_FILENO) != 0) {
    read_size(STDERR_FILENO, size);
    return size;
  }
  static const fs::path device = parent_terminal();
  const int descriptor = device.empty() ? -1 : ::open(device.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return size;
  read_size(descriptor, size);
  ::close(descriptor);
  return size;
}

void show_block(std::vector<std::string> lines) {
  const TerminalSize size = terminal_size();
  // The cursor cannot return to a line above the first row.
  const auto most = static_cast<std::size_t>(std::max(1, size.rows - 1));
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  for (std::string& line : lines) line = cut_to_columns(line, size.columns - 1);  // a full line would wrap
  Block& now = block();
  const std::lock_guard lock(now.mutex);
  if (now.ended) return;
  put(erasing(now.lines.size()) + drawing(lines));
  now.lines = std::move(lines);
}

void end_block() {
  constexpr auto kMostWait = std::chrono::milliseconds(100);
  const std::unique_lock lock(block().mutex, kMostWait);
  if (!lock.owns_lock() || block().ended) return;
  put(erasing(block().lines.size()));
  block().lines.clear();
  block().ended = true;
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
