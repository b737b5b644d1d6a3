// The collectives of one slot: NCCL on CUDA devices, MpiBackend on CPU. Ranks exchange store addresses over MPI.
#pragma once

#include <mpi.h>
#include <torch/types.h>

#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace pleat {

/// Collective over `slot`. CUDA tensors go over NCCL, CPU tensors over MPI, which waits for no CUDA stream.
/// Requires: the group is destroyed before MPI is finalised.
/// Throws: ClusterError if the device needs NCCL and this build has none.
c10::intrusive_ptr<c10d::ProcessGroup> make_process_group(MPI_Comm slot, const torch::Device& device);

/// Collective. Returns NCCL over the ranks of `slot`, connected.
/// Throws: ClusterError on every rank if one cannot set it up (no such device, no store).
/// A failed connection ends all ranks: one rank may fail while its peers wait inside NCCL.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(MPI_Comm slot, const torch::Device& device);

}  // namespace pleat
