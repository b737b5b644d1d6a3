// The module libpleat_cuda.so: everything in pleat that calls CUDA or NCCL by name. It uses LibTorch and nothing of
// pleat's own but the interface, so that it and the program need not share more than that.
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

/// For one collective, from the moment this rank has asked for it. It is no limit on a batch: shards meet in
/// GradientSync::all_agree first, over MPI, which waits as long as a peer lives; what is left then is the spread of
/// their forward and backward passes.
constexpr std::chrono::minutes kTimeout{10};

class NcclBackend : public c10d::ProcessGroupNCCL {
 public:
  NcclBackend(c10::intrusive_ptr<c10d::Store> store, int rank, int size, c10::intrusive_ptr<Options> options, Warn warn)
      : ProcessGroupNCCL(std::move(store), rank, size, std::move(options)), warn_(std::move(warn)) {}

  /// In good order shutdown lets what is under way finish, on all ranks. With an error on its way up there is
  /// nothing to wait for: the base class aborts instead.
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
      throw std::runtime_error(fmt::format("it was asked for, but this process sees {} CUDA devices", device_count()));
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
