#include "cluster/process_group.h"

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "cluster/mpi_backend.h"

namespace pleat {

using c10d::ProcessGroup;

c10::intrusive_ptr<ProcessGroup> make_process_group(MPI_Comm slot, const torch::Device& device) {
  int rank = 0, size = 1;
  MPI_Comm_rank(slot, &rank);
  MPI_Comm_size(slot, &size);
  // The group never reads this store. NCCL has its own.
  auto group = c10::make_intrusive<ProcessGroup>(c10::make_intrusive<c10d::HashStore>(), rank, size);
  if (device.is_cuda()) {
    group->setBoundDeviceId(device);  // setBackend passes it to the backend
    group->setBackend(c10::DeviceType::CUDA, ProcessGroup::NCCL, make_nccl_backend(slot, device));
  }
  group->setBackend(c10::DeviceType::CPU, ProcessGroup::CUSTOM, c10::make_intrusive<MpiBackend>(slot));
  group->setDefaultBackend(device.is_cuda() ? ProcessGroup::NCCL : ProcessGroup::CUSTOM);
  return group;
}

}  // namespace pleat
