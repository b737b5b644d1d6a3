// The collectives of one slot: NCCL on CUDA devices, our MpiBackend on CPU. Store and addresses travel over MPI.
#pragma once

#include <mpi.h>
#include <torch/types.h>

#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace pleat {

/// Collective over `slot`; every rank of it must call. `device` chooses the backend of tensors there; tensors on CPU
/// always go over MPI, so that agreeing on something waits for no CUDA stream. The group is done with before MPI is
/// finalized. Throws ClusterError if the device needs NCCL and this build has none.
c10::intrusive_ptr<c10d::ProcessGroup> make_process_group(MPI_Comm slot, const torch::Device& device);

/// NCCL over the ranks of `slot`, connected. Collective. Throws ClusterError on every rank if one cannot begin (no such
/// device, no store); a connection that fails ends all ranks, since it may fail on one while its peers wait in NCCL.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(MPI_Comm slot, const torch::Device& device);

}  // namespace pleat
