// The module libpleat_cuda.so: all of pleat's direct calls to CUDA and NCCL. It depends on LibTorch and on the
// interface in cuda_library.h, and on nothing else in pleat.
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <utility>

#include "cluster/cuda_library.h"

namespace pleat {
namespace {

using Warn = std::function<void(const std::exception&)>;

/// Limit for one collective, counted from this rank's call. It does not limit a batch: shards first meet in
/// GradientSync::all_agree, over MPI, which waits as long as a peer lives. The limit only has to cover differences
/// between the shards' forward and backward passes.
constexpr std::chrono::minutes kTimeout{10};

class NcclBackend : public c10d::ProcessGroupNCCL {
 public:
  NcclBackend(c10::intrusive_ptr<c10d::Store> store, int rank, int size, c10::intrusive_ptr<Options> options, Warn warn)
      : ProcessGroupNCCL(std::move(store), rank, size, std::move(options)), warn_(std::move(warn)) {}

  /// Shuts down after pending collectives have finished on all ranks. While an exception unwinds, the base class aborts
  /// instead.
  ~NcclBackend() override {
    if (std::uncaught_exceptions() > 0) return;
    try {
      shutdown();
    } catch (const std::exception& error) {
      warn_(error);
    }
  }

 private:
  Warn warn_;
};

class Library : public CudaLibrary {
 public:
  int device_count() const override { return c10::cuda::device_count(); }

  std::string device_name(int index) const override {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return "unknown device";
    return properties.name;
  }

  std::string device_identity(int index) const override {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return std::to_string(index);
    std::string hex;
    for (const char byte : properties.uuid.bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return hex;
  }

  std::string nccl_version() const override {
    int version = 0;
    if (ncclGetVersion(&version) != ncclSuccess) return "unknown";
    return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
  }

  c10::intrusive_ptr<c10d::Backend> make_nccl_backend(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                                      const torch::Device& device, Warn warn) const override {
    if (!device.has_index() || device.index() >= device_count()) {
      throw std::runtime_error(fmt::format("no such device: this process sees {} CUDA devices", device_count()));
    }
    const c10::cuda::CUDAGuard guard(device);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kTimeout;
    auto backend = c10::make_intrusive<NcclBackend>(std::move(store), rank, size, std::move(options), std::move(warn));
    backend->setBoundDeviceId(device);
    return backend;
  }

  void connect(c10d::Backend& backend, const torch::Device& device) const override {
    dynamic_cast<NcclBackend&>(backend).eagerConnectSingleDevice(device);
  }
};

}  // namespace
}  // namespace pleat

extern "C" __attribute__((visibility("default"))) const pleat::CudaLibrary* pleat_cuda_library() {
  static const pleat::Library library;
  return &library;
}
