// NCCL for the shards of a slot, by PyTorch's own ProcessGroupNCCL. A collective that fails or hangs there ends the
// process by its watchdog, a thread that throws: end_all_ranks_on_terminate makes that the end of all ranks, with a
// word.
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <exception>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "cluster/failure.h"
#include "cluster/mpi_wait.h"
#include "cluster/process_group.h"
#include "cluster/slot_store.h"

namespace pleat {
namespace {

/// For one collective, from the moment this rank has asked for it. It is no limit on a batch: shards meet in
/// GradientSync::all_agree first, over MPI, which waits as long as a peer lives; what is left then is the spread of
/// their forward and backward passes.
constexpr std::chrono::minutes kTimeout{10};

class NcclBackend : public c10d::ProcessGroupNCCL {
 public:
  using ProcessGroupNCCL::ProcessGroupNCCL;

  /// In good order shutdown lets what is under way finish, on all ranks. With an error on its way up there is
  /// nothing to wait for: the base class aborts instead.
  ~NcclBackend() override {
    if (std::uncaught_exceptions() > 0) return;
    try {
      shutdown();
    } catch (const std::exception& error) {
      spdlog::warn("NCCL did not shut down in order: {}", message_of(error));
    }
  }
};

void require_device(const torch::Device& device) {
  const int devices = c10::cuda::device_count();
  if (device.has_index() && device.index() < devices) return;
  throw ClusterError("device {} was asked for, but this process sees {} CUDA devices", device.str(), devices);
}

c10::intrusive_ptr<NcclBackend> create(c10::intrusive_ptr<c10d::Store> store, MPI_Comm slot,
                                       const torch::Device& device) {
  require_device(device);
  int rank = 0, size = 1;
  MPI_Comm_rank(slot, &rank);
  MPI_Comm_size(slot, &size);
  c10::cuda::CUDAGuard guard(device);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = kTimeout;
  auto backend = c10::make_intrusive<NcclBackend>(std::move(store), rank, size, std::move(options));
  backend->setBoundDeviceId(device);
  return backend;
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
  c10::intrusive_ptr<NcclBackend> backend;
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
    backend->eagerConnectSingleDevice(device);
  } catch (const std::exception& failure) {
    // It may have failed here alone, with the peers waiting inside NCCL, where nobody can agree on anything.
    end_all_ranks(ClusterError("NCCL on {} could not connect to its peers: {}; NCCL_DEBUG=INFO says more", device.str(),
                               message_of(failure)));
  }
  return backend;
}

std::string nccl_version() {
  int version = 0;
  if (ncclGetVersion(&version) != ncclSuccess) return "unknown";
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::string cuda_device_name(int index) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return "unknown device";
  return properties.name;
}

std::string cuda_device_identity(int index) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return std::to_string(index);
  std::string hex;
  for (const char byte : properties.uuid.bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

}  // namespace pleat
