// Waiting for MPI without a spinning core: blocking MPI calls poll as fast as they can, which takes the core from
// the threads that compute.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>

namespace pleat {

/// Tests `request` until it is done, sleeping ever longer between tests, at most `longest` (ten times that once a peer
/// is late). Sleeps cost throughput too: a large message moves only while it is tested.
/// Returns MPI's error code (MPI_SUCCESS if all went well). If `given_up` turns true first it returns
/// MPI_ERR_PENDING, and the request goes on: its memory must stay. `whom`: if given, a wait that lasts minutes is said
/// to be one for them, after 2, 4, 8 … minutes: MPI itself waits without limit and without a word.
int wait_sleeping(MPI_Request* request, std::chrono::microseconds longest, const std::atomic<bool>* given_up = nullptr,
                  const char* whom = nullptr);

/// Throws ClusterError naming `what` and MPI's own words if `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* what);

}  // namespace pleat
