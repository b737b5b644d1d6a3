#include "cluster/mpi_wait.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace pleat {

using std::chrono::microseconds;

int wait_sleeping(MPI_Request* request, microseconds longest, const std::atomic<bool>* given_up, const char* whom) {
  constexpr int kYields = 64;                      // a peer that is about to answer does so within these
  constexpr std::chrono::milliseconds kLate{100};  // a peer that is later than this needs no quick answer
  microseconds pause{10}, waited{0};
  const auto start = std::chrono::steady_clock::now();
  std::chrono::minutes spoken{1};
  for (int tries = 0;; ++tries) {
    int done = 0;
    const int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS || done) return code;
    if (given_up && given_up->load(std::memory_order_relaxed)) return MPI_ERR_PENDING;
    if (tries < kYields) {
      std::this_thread::yield();
      continue;
    }
    std::this_thread::sleep_for(pause);
    waited += pause;
    if (whom && waited > kLate && std::chrono::steady_clock::now() - start >= 2 * spoken) {
      spoken *= 2;
      spdlog::warn("has been waiting for {} for {} min", whom, spoken.count());
    }
    pause = std::min(pause + pause / 4 + microseconds{1}, waited < kLate ? longest : 10 * longest);
  }
}

void check_mpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw ClusterError("{} failed: {}", what, std::string(text, static_cast<std::size_t>(length)));
}

}  // namespace pleat
