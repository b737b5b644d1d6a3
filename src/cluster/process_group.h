// The collectives of one slot: NCCL on CUDA devices, our MpiBackend on CPU. Store and addresses travel over MPI.
#pragma once

#include <mpi.h>
#include <torch/types.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace pleat {

/// Collective over `slot`; every rank of it must call. `device` chooses the backend. The group is done with before
/// MPI is finalized. Throws ClusterError if the device needs NCCL and this build has none.
c10::intrusive_ptr<c10d::ProcessGroup> make_process_group(MPI_Comm slot, const torch::Device& device);

}  // namespace pleat
