// Helpers for tests under mpirun.
#pragma once

#include "cluster/mpi_session.h"

namespace pleat {

MpiSession& session();

/// Communicator of the ranks with the same colour. Collective: all ranks.
MPI_Comm split(int colour);

}  // namespace pleat
