#include "inference/python_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/stop_signal.h"
#include "base/wording.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr int kNotStarted = 127, kPollMilliseconds = 100;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw DataError("cannot make a pipe ({})", system_error(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_writing() { close_end(1); }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

  std::array<int, 2> ends_ = {-1, -1};
};

// The argument list of execve: pointers into the strings, then null.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
  // The same sets give the same order, so the same file; and no __pycache__ in the folder of an export.
  variables.insert(variables.begin(), {"PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"});
  return variables;
}

// Returns the program's file, as a shell would find it: a name without '/' is looked up in $PATH. Empty: there is none.
std::string file_of(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / program;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file.string();
  }
  return "";
}

// Only system calls: other threads of this process may hold locks, also those of the allocator.
[[noreturn]] void become(const std::string& file, const std::vector<char*>& arguments,
                         const std::vector<char*>& variables, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execve(file.c_str(), arguments.data(), variables.data());
  ::_exit(kNotStarted);
}

// Returns what the child writes until it ends. Sends it SIGTERM, once, after a stop signal.
std::string read_all(int from, pid_t child) {
  std::string output;
  std::array<char, 4096> some;
  bool told = false;
  while (true) {
    if (stop_signal_received() && !told) told = ::kill(child, SIGTERM) == 0;
    pollfd waiting{.fd = from, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPollMilliseconds) <= 0) continue;  // read would block
    const ssize_t count = ::read(from, some.data(), some.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return output;
    output.append(some.data(), static_cast<std::size_t>(count));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kNotStarted;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string python_command() {
  if (const char* given = std::getenv("PLEAT_PYTHON"); given != nullptr && *given != '\0') return given;
  const std::string built_with = PLEAT_BUILD_PYTHON;
  return ::access(built_with.c_str(), X_OK) == 0 ? built_with : "python3";
}

PythonResult run_python(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {python_command()}, variables = environment();
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::vector<char*> argument_list = pointers_to(words), variable_list = pointers_to(variables);
  const std::string file = file_of(words.front());
  Pipe pipe;
  const pid_t child = ::fork();
  if (child < 0) throw DataError("cannot start {} ({})", words.front(), system_error(errno));
  if (child == 0) become(file, argument_list, variable_list, pipe.writing());
  pipe.close_writing();
  PythonResult result{.status = 0, .output = read_all(pipe.reading(), child)};
  result.status = wait_for(child);
  if (stop_signal_received()) throw StopRequested("stopped on request; nothing was exported");
  if (result.status == kNotStarted && result.output.empty()) {
    throw UsageError("cannot run '{}', which --onnx needs; set PLEAT_PYTHON to a Python 3 with torch and onnx",
                     words.front());
  }
  return result;
}

}  // namespace pleat
