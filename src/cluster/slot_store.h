// A c10d store that the ranks of a slot share: its leader serves it, and tells the others over MPI where.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace pleat {

/// Collective over `slot`. Any free port is taken; each rank uses the first of the leader's addresses where it finds
/// the leader's store (told by a random word), since host names often do not resolve on compute nodes. Throws
/// ClusterError on every rank if one fails.
c10::intrusive_ptr<c10d::Store> make_slot_store(MPI_Comm slot);

/// This machine's addresses that others may reach it by, IPv4 first; loopback only if there is nothing else.
std::vector<std::string> own_addresses();

/// True if something accepts connections there within `seconds`.
bool reachable(const std::string& address, std::uint16_t port, int seconds);

}  // namespace pleat
