#include "watched_run.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "one_input.h"

namespace pleat::fuzz {

void Record::hold(const Bytes& bytes) {
  size = bytes.size();
  std::copy(bytes.begin(), bytes.end(), input.begin());
}

Bytes Record::held() const { return {input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size)}; }

WatchedRun::WatchedRun() {
  void* memory = ::mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  record_ = new (memory) Record;
}

WatchedRun::~WatchedRun() { ::munmap(record_, sizeof(Record)); }

std::string WatchedRun::run(const std::function<void(Record&)>& work) {
  record_->done = false;
  std::fflush(nullptr);  // otherwise the child would print it again
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    work(*record_);
    record_->done = true;
    std::exit(0);  // not _exit: the leak checker runs at the end of the process
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string fault = fault_of(status);
  return fault.empty() && !record_->done ? "ends the process as if all were well" : fault;
}

}  // namespace pleat::fuzz
