// NCCL for the shards of a slot, through PyTorch's ProcessGroupNCCL. If a collective fails or hangs, its watchdog
// thread throws; end_all_ranks_on_terminate then ends all ranks with a message.
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "cluster/cuda_library.h"
#include "cluster/failure.h"
#include "cluster/mpi_wait.h"
#include "cluster/process_group.h"
#include "cluster/slot_store.h"

namespace pleat {
namespace {

c10::intrusive_ptr<c10d::Backend> create(c10::intrusive_ptr<c10d::Store> store, MPI_Comm slot,
                                         const torch::Device& device) {
  const CudaLibrary* cuda = cuda_library();
  if (cuda == nullptr) {
    throw ClusterError(
        "{} needs NCCL, which this machine or this build does not have (`pleat doctor` shows which); set "
        "cluster.device: cpu",
        device.str());
  }
  int rank = 0, size = 1;
  MPI_Comm_rank(slot, &rank);
  MPI_Comm_size(slot, &size);
  return cuda->make_nccl_backend(std::move(store), rank, size, device, [](const std::exception& error) {
    spdlog::warn("NCCL did not shut down cleanly: {}", message_of(error));
  });
}

[[noreturn]] void rethrow_as_cluster_error(const std::exception_ptr& error, const torch::Device& device) {
  try {
    std::rethrow_exception(error);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& failure) {
    throw ClusterError("NCCL on {} could not be set up: {}", device.str(), message_of(failure));
  }
}

}  // namespace

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(MPI_Comm slot, const torch::Device& device) {
  auto store = make_slot_store(slot);
  c10::intrusive_ptr<c10d::Backend> backend;
  std::exception_ptr error;
  try {
    backend = create(std::move(store), slot, device);
  } catch (...) {
    error = std::current_exception();
  }
  // Connecting is collective, so every rank must have a backend first.
  int good = error ? 0 : 1, all = 0;
  check_mpi(MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, slot), "MPI all-reduce");
  if (error) rethrow_as_cluster_error(error, device);
  if (!all) throw ClusterError("another rank of this slot could not set up NCCL; see its message for the cause");
  try {
    // Connects now, not at the first gradients: a broken network is then reported at once, with this message.
    cuda_library()->connect(*backend, device);
  } catch (const std::exception& failure) {
    // This rank may have failed alone, while its peers wait inside NCCL: they cannot agree on an error.
    end_all_ranks(ClusterError("NCCL on {} could not connect to its peers: {}; set NCCL_DEBUG=INFO for details",
                               device.str(), message_of(failure)));
  }
  return backend;
}

}  // namespace pleat
