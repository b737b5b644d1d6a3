// Waiting for MPI without a spinning core: blocking MPI calls poll as fast as they can, which takes the core from
// the threads that compute.
#pragma once

#include <mpi.h>

#include <chrono>

namespace pleat {

/// Tests `request` until it is done, sleeping ever longer between tests, at most `longest`. Sleeps cost throughput
/// too: a large message moves only while it is tested.
/// Returns MPI's error code (MPI_SUCCESS if all went well).
int wait_sleeping(MPI_Request* request, std::chrono::microseconds longest);

/// Throws ClusterError naming `what` and MPI's own words if `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* what);

}  // namespace pleat
