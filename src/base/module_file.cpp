#include "base/module_file.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <system_error>

namespace pleat {
namespace fs = std::filesystem;
namespace {

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

fs::path find_module(const std::string& name) {
  const fs::path folder = program_folder();
  for (const fs::path& place : {folder, folder.parent_path(), folder.parent_path() / PLEAT_MODULES}) {
    std::error_code error;
    if (fs::exists(place / name, error)) return place / name;
  }
  return {};
}

bool builds_cuda_module() { return PLEAT_BUILDS_CUDA; }

std::string module_fault(const std::string& name) {
  if (!find_module(name).empty()) return "";
  return fmt::format(
      "{} is missing from {}; build pleat again (cmake --build --preset release --target pleat) or install it "
      "again, and keep its modules beside it",
      name, program_folder().string());
}

void* load_module(const std::string& name, int flags, std::string& fault) {
  fault = module_fault(name);
  if (!fault.empty()) return nullptr;
  void* module = dlopen(find_module(name).c_str(), flags);  // never closed
  if (module == nullptr) fault = dlerror();
  return module;
}

}  // namespace pleat
