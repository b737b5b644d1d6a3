// A c10d store shared by the ranks of a slot. The leader serves it and sends its address over MPI.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace pleat {

/// Collective over `slot`. Takes any free port. Each rank uses the first of the leader's addresses that reaches the
/// leader's store, identified by a random token: host names often do not resolve on compute nodes.
/// Throws ClusterError on every rank if one fails.
c10::intrusive_ptr<c10d::Store> make_slot_store(MPI_Comm slot);

/// This machine's addresses, IPv4 first. Loopback only if there is no other.
std::vector<std::string> own_addresses();

/// True if a connection is accepted within `seconds`.
bool reachable(const std::string& address, std::uint16_t port, int seconds);

}  // namespace pleat
