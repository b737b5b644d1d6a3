// The functions that need CUDA's and NCCL's libraries. They are in a module (cuda/cuda_module.cpp), loaded only where
// an NVIDIA driver exists: without it a rank starts in half the time and saves 130 MB.
#pragma once

#include <torch/types.h>

#include <exception>
#include <functional>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pleat {

/// Throws: std::exception from every function; callers turn it into pleat's errors.
class CudaLibrary {
 public:
  virtual ~CudaLibrary() = default;

  /// The number of devices that this process sees.
  virtual int device_count() const = 0;
  /// The name of device `index`, and its UUID, which is the same in every process.
  virtual std::string device_name(int index) const = 0;
  virtual std::string device_identity(int index) const = 0;
  /// "2.27.3"
  virtual std::string nccl_version() const = 0;

  /// Returns a backend, not connected yet, for `size` ranks that share `store`. Calls `warn` if it does not shut down
  /// cleanly.
  virtual c10::intrusive_ptr<c10d::Backend> make_nccl_backend(
      c10::intrusive_ptr<c10d::Store> store, int rank, int size, const torch::Device& device,
      std::function<void(const std::exception&)> warn) const = 0;
  /// Collective over the backend's ranks. Requires: make_nccl_backend made `backend`.
  virtual void connect(c10d::Backend& backend, const torch::Device& device) const = 0;
};

/// Returns null without a driver or without the module. The first call loads the module.
/// Requires: the first call comes before any CUDA call to LibTorch, which remembers the devices that it saw first.
const CudaLibrary* cuda_library();

/// As cuda_library, but does not need a driver. For reading versions.
const CudaLibrary* built_cuda_library();

/// The name of the module's one function: `const CudaLibrary* pleat_cuda_library()`.
inline constexpr const char* kCudaEntry = "pleat_cuda_library";

}  // namespace pleat
