// What the tests under mpirun share.
#pragma once

#include "cluster/mpi_session.h"

namespace pleat {

MpiSession& session();

/// The ranks that pass the same colour; collective over all ranks.
MPI_Comm split(int colour);

}  // namespace pleat
