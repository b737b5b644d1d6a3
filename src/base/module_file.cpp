#include "base/module_file.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>

namespace pleat {
namespace fs = std::filesystem;
namespace {

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// False for a file that the loader would crash on: no ELF file, or one cut short. The section headers are at its end.
bool is_whole(const fs::path& file) {
  Elf64_Ehdr header{};
  std::error_code error;
  const auto size = fs::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         size >= header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize;
}

constexpr const char* kRemedy =
    "build pleat again (cmake --build --preset release --target pleat) or install it again, and keep its modules "
    "beside it";

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
  const fs::path file = find_module(name);
  if (file.empty()) return fmt::format("{} is missing from {}; {}", name, program_folder().string(), kRemedy);
  if (!is_whole(file)) return fmt::format("{} is damaged; {}", file.string(), kRemedy);
  return "";
}

void* load_module(const std::string& name, int flags, std::string& fault) {
  fault = module_fault(name);
  if (!fault.empty()) return nullptr;
  void* module = dlopen(find_module(name).c_str(), flags);  // never closed
  if (module == nullptr) fault = fmt::format("{}; {}", dlerror(), kRemedy);
  return module;
}

}  // namespace pleat
