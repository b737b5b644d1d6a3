// Modules: shared libraries beside the program, loaded at run time only if needed.
#pragma once

#include <filesystem>
#include <string>

namespace pleat {

inline constexpr const char* kFaceModule = "libpleat_faces.so";
inline constexpr const char* kCudaModule = "libpleat_cuda.so";

/// Returns the module's path: beside the program, one folder up (tests), or in the installed lib/pleat. Empty if it is
/// nowhere.
std::filesystem::path find_module(const std::string& name);

/// True if this build makes the CUDA module: LibTorch, CUDA's runtime and NCCL were found when it was configured.
bool builds_cuda_module();

/// "libpleat_cuda.so is missing from /opt/pleat; build pleat again …", or that it is damaged; empty if the file is
/// whole.
std::string module_fault(const std::string& name);

/// Loads the module for the life of the process. Returns dlopen's handle, or null with the reason in `fault`.
///   flags: dlopen's
void* load_module(const std::string& name, int flags, std::string& fault);

}  // namespace pleat
