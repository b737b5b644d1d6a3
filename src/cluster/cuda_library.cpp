#include "cluster/cuda_library.h"

#include <dlfcn.h>

#include "base/log.h"

namespace pleat {
namespace {

constexpr const char* kModule = "libpleat_cuda.so";  // sought where this program's run path says

// Whether NVIDIA's driver is installed here; its library comes with it.
bool has_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver != nullptr) dlclose(driver);
  return driver != nullptr;
}

// A module that is there but cannot be loaded (another LibTorch, a library that was removed) is worth a word; one that
// was never built is not.
const CudaLibrary* load() {
  void* module = dlopen(kModule, RTLD_NOW | RTLD_GLOBAL);  // never closed: LibTorch keeps what it registers
  if (module == nullptr) {
    const std::string why = dlerror();
    const bool absent = why.starts_with(std::string(kModule) + ": cannot open shared object file");
    if (!absent) spdlog::warn("{} could not be loaded, so that CUDA is not used: {}", kModule, why);
    return nullptr;
  }
  using Entry = const CudaLibrary* (*)();
  if (const auto entry = reinterpret_cast<Entry>(dlsym(module, kCudaEntry)); entry != nullptr) return entry();
  spdlog::warn("{} is not pleat's (it has no {}), so that CUDA is not used; build pleat again", kModule, kCudaEntry);
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
