// NCCL for the shards of a slot, by PyTorch's own ProcessGroupNCCL. A collective that fails or hangs there ends the
// process by its watchdog, a thread that throws: end_all_ranks_on_terminate makes that the end of all ranks, with a
// word.
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
        "{} needs NCCL, which this machine or this build does not have (`pleat doctor` says which); use "
        "cluster.device: cpu",
        device.str());
  }
  int rank = 0, size = 1;
  MPI_Comm_rank(slot, &rank);
  MPI_Comm_size(slot, &size);
  return cuda->make_nccl_backend(std::move(store), rank, size, device, [](const std::exception& error) {
    spdlog::warn("NCCL did not shut down in order: {}", message_of(error));
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
  // Connecting is collective: all must have come this far.
  int good = error ? 0 : 1, all = 0;
  check_mpi(MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, slot), "MPI all-reduce");
  if (error) rethrow_as_cluster_error(error, device);
  if (!all) throw ClusterError("another rank of this slot could not set up NCCL; its own message says why");
  try {
    // Now rather than with the first gradients, so that a broken network shows at once, and by name.
    cuda_library()->connect(*backend, device);
  } catch (const std::exception& failure) {
    // It may have failed here alone, with the peers waiting inside NCCL, where nobody can agree on anything.
    end_all_ranks(ClusterError("NCCL on {} could not connect to its peers: {}; NCCL_DEBUG=INFO says more", device.str(),
                               message_of(failure)));
  }
  return backend;
}

}  // namespace pleat
