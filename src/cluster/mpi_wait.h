// Waits for MPI without spinning. Blocking MPI calls poll as fast as they can, and take the core from the threads that
// compute.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace pleat {

/// Tests `request` until it is done. The sleep between tests grows to at most `longest`, or ten times that once a peer
/// is late. Long sleeps cost throughput: a large message moves only while it is tested.
///   given_up: once true, the call returns MPI_ERR_PENDING; the request stays active, so its memory must live on
///   whom: if given, a warning after 2, 4, 8 … minutes names it; MPI itself waits without limit and in silence
/// Returns MPI's error code.
int wait_sleeping(MPI_Request* request, std::chrono::microseconds longest, const std::atomic<bool>* given_up = nullptr,
                  const char* whom = nullptr);

/// Throws ClusterError naming `what` and MPI's own message if `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* what);

/// Moves `bytes` bytes in chunks, since MPI counts are int: calls start(offset, count, request), which begins a
/// transfer and returns MPI's code, and waits for each chunk asleep. Throws as check_mpi.
template <class Start>
void in_chunks(std::int64_t bytes, std::chrono::microseconds longest, const char* what, const Start& start) {
  constexpr std::int64_t kChunk = std::int64_t{1} << 30;
  for (std::int64_t at = 0; at < bytes; at += kChunk) {
    MPI_Request request;
    check_mpi(start(at, static_cast<int>(std::min(kChunk, bytes - at)), &request), what);
    check_mpi(wait_sleeping(&request, longest), what);
  }
}

}  // namespace pleat
