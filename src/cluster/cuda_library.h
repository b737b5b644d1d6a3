// What needs CUDA's and NCCL's libraries. They lie in a module of their own (cuda/cuda_module.cpp), loaded where there
// is an NVIDIA driver: a rank that has no use for them starts in half the time and without the 130 MB that they take.
#pragma once

#include <torch/types.h>

#include <exception>
#include <functional>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pleat {

/// Errors of its functions are std::exception; whoever calls says what they mean.
class CudaLibrary {
 public:
  virtual ~CudaLibrary() = default;

  /// Devices that this process sees.
  virtual int device_count() const = 0;
  /// The name of device `index`, and what tells it from all others (its UUID), whoever sees it under which index.
  virtual std::string device_name(int index) const = 0;
  virtual std::string device_identity(int index) const = 0;
  /// "2.27.3"
  virtual std::string nccl_version() const = 0;

  /// NCCL among `size` ranks that meet at `store`, not connected yet. `warn` is told if it does not shut down in order.
  virtual c10::intrusive_ptr<c10d::Backend> make_nccl_backend(
      c10::intrusive_ptr<c10d::Store> store, int rank, int size, const torch::Device& device,
      std::function<void(const std::exception&)> warn) const = 0;
  /// Collective over the ranks of a backend that make_nccl_backend has made.
  virtual void connect(c10d::Backend& backend, const torch::Device& device) const = 0;
};

/// Null where there is no driver, or where this build has no such module. The first call loads it, and has to come
/// before LibTorch is asked for CUDA in any way: what it sees then, it keeps to.
const CudaLibrary* cuda_library();

/// The same, driver or not; for who only wants to know the versions.
const CudaLibrary* built_cuda_library();

/// The name of the module's one function: `const CudaLibrary* pleat_cuda_library()`.
inline constexpr const char* kCudaEntry = "pleat_cuda_library";

}  // namespace pleat
