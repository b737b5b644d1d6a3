// A reader with every fault that the driver must notice, to test the driver. The input names the fault.
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "reader_outcome.h"

namespace {

using pleat::DataError;

volatile int zero = 0;  // a value that the compiler must not know
char* volatile kept = nullptr;

void read(std::string_view word) {
  std::vector<char> bytes(word.begin(), word.end());
  if (word == "good") return;
  if (word == "bad") throw DataError("this file is bad; get it anew");
  if (word == "overrun") kept = bytes.data() + bytes.data()[bytes.size() + static_cast<std::size_t>(zero)];
  if (word == "overflow") zero = INT_MAX + (zero + 1);
  if (word == "abort") std::abort();
  if (word == "kill") ::kill(::getpid(), SIGKILL);
  if (word == "hang") {
    while (zero == 0) {
    }
  }
  if (word == "length") bytes.reserve(SIZE_MAX - static_cast<std::size_t>(zero));
  if (word == "huge") kept = new char[(std::size_t{1} << 45) + static_cast<std::size_t>(zero)];
  if (word == "memory") {
    std::vector<std::string> much;
    for (int i = 0; i < 12; ++i) much.emplace_back(std::size_t{50} << 20, 'x');
  }
  if (word == "leak") {
    kept = new char[100];
    kept = nullptr;
  }
  if (word == "open") static_cast<void>(::open("/dev/null", O_RDONLY));
  if (word == "exit") ::_exit(zero);
  if (word == "silent") throw DataError("");
  if (word == "lines") throw DataError("one line\nand another");
  throw DataError("a file of no known kind");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view word(reinterpret_cast<const char*>(data), size);
  pleat::fuzz::run_reader<DataError>([&] { read(word); });
  return 0;
}
