// Where LibTorch has no CUDA: says what is missing (process_group_nccl.cpp is the other one; CMake picks).
#include "base/error.h"
#include "cluster/process_group.h"

namespace pleat {

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(MPI_Comm, const torch::Device& device) {
  throw ClusterError(
      "{} needs NCCL, which this build's LibTorch does not have; use cluster.device: cpu or build with a LibTorch "
      "for CUDA",
      device.str());
}

std::string nccl_version() { return "none"; }

std::string cuda_device_name(int) { return "unknown device"; }

std::string cuda_device_identity(int index) { return std::to_string(index); }

}  // namespace pleat
