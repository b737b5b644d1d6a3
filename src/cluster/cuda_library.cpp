#include "cluster/cuda_library.h"

#include <dlfcn.h>

#include "base/log.h"
#include "base/module_file.h"

namespace pleat {
namespace {

// True if NVIDIA's driver is installed: libcuda.so.1 is its library.
bool has_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver != nullptr) dlclose(driver);
  return driver != nullptr;
}

const CudaLibrary* load() {
  if (!builds_cuda_module()) return nullptr;
  std::string fault;
  void* module = load_module(kCudaModule, RTLD_NOW | RTLD_GLOBAL, fault);
  if (module == nullptr) {
    // A missing module is reported by the run and by doctor.
    if (module_fault(kCudaModule).empty()) spdlog::warn("CUDA is not used: {}", fault);
    return nullptr;
  }
  using Entry = const CudaLibrary* (*)();
  if (const auto entry = reinterpret_cast<Entry>(dlsym(module, kCudaEntry)); entry != nullptr) return entry();
  spdlog::warn("CUDA is not used: {} is not pleat's module (no {}); build pleat again", kCudaModule, kCudaEntry);
  return nullptr;
}

}  // namespace

const CudaLibrary* built_cuda_library() {
  static const CudaLibrary* const library = load();
  return library;
}

const CudaLibrary* cuda_library() {
  static const bool driver = has_driver();
  return driver ? built_cuda_library() : nullptr;
}

}  // namespace pleat
