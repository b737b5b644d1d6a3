#include "one_input.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <typeinfo>

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// From the sanitizers' allocator_interface.h, which GCC does not install.
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
}

namespace {

// Unlike any code that a program would return by itself.
enum FaultCode : int {
  kReport = 90,  // of a sanitizer
  kHang = 91,
  kException = 92,
  kLeak = 93,
  kOpenFile = 94,
  kMemory = 95,
};

std::atomic<long> unfreed{0};  // blocks

}  // namespace

// malloc refuses absurd sizes, as it does without a sanitizer; operator new then ends the process.
extern "C" const char* __asan_default_options() {
  return "exitcode=90:handle_abort=1:allocator_may_return_null=1:max_allocation_size_mb=1024:quarantine_size_mb=32:"
         "detect_stack_use_after_return=1";
}
extern "C" const char* __ubsan_default_options() { return "exitcode=90:print_stacktrace=1"; }

namespace pleat::fuzz {
namespace {

void end_hang(int) {
  std::signal(SIGALRM, SIG_DFL);  // in case this function hangs too
  ::alarm(5);
  __sanitizer_print_stack_trace();
  ::_exit(kHang);
}

void set_limit(unsigned seconds) {
  std::signal(SIGALRM, end_hang);
  ::alarm(seconds);
}

// Counts blocks first: asking the leak checker takes milliseconds.
void count_blocks() {
  static const int installed =
      __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { ++unfreed; },
                                                [](const volatile void* block) { unfreed -= block != nullptr; });
  static_cast<void>(installed);
}

// Returns the lowest free descriptor.
int next_descriptor() {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(file);
  return file;
}

std::size_t resident_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) >> 10;
}

[[noreturn]] void end(FaultCode code, const char* what, const char* details = "") {
  std::fprintf(stderr, "%s%s\n", what, details);
  ::_exit(code);
}

void read_input(const std::uint8_t* data, std::size_t size) {
  try {
    LLVMFuzzerTestOneInput(data, size);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: ", abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, nullptr));
    end(kException, error.what());
  } catch (...) {
    end(kException, "something that is no std::exception");
  }
}

}  // namespace

void run_one_input(std::span<const std::uint8_t> input, const Limits& limits) {
  count_blocks();
  // A copy of exactly that size, so that a sanitizer notices any byte read beyond it.
  const auto copy = std::make_unique<std::uint8_t[]>(input.size());
  std::copy(input.begin(), input.end(), copy.get());
  const int descriptor = next_descriptor();
  const long blocks = unfreed;
  set_limit(limits.seconds);
  read_input(copy.get(), input.size());
  ::alarm(0);
  if (unfreed > blocks && __lsan_do_recoverable_leak_check() != 0) end(kLeak, "memory is lost");
  if (next_descriptor() != descriptor) end(kOpenFile, "a file is left open");
  if (resident_megabytes() > limits.megabytes) end(kMemory, "too much memory");
}

std::string fault_of(int status) {
  if (WIFSIGNALED(status)) return std::string("killed by a signal: ") + ::strsignal(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case 0:
      return "";
    case kReport:
      return "reported by a sanitizer";
    case kHang:
      return "hangs";
    case kException:
      return "throws what it does not document";
    case kLeak:
      return "leaks memory";
    case kOpenFile:
      return "leaves a file open";
    case kMemory:
      return "takes too much memory";
    default:
      return "ends the process with code " + std::to_string(WEXITSTATUS(status));
  }
}

}  // namespace pleat::fuzz
