// The resources of this process's machine: cores, CPU kind, bf16, CUDA devices.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/ranks.h"

namespace pleat {

/// The cores in this process's affinity mask, ascending. A launcher that binds ranks narrows it.
std::vector<int> affinity_cores();

/// Returns true if the mask is not empty and lies within one physical core. Open MPI's bind-to-core gives a rank all
/// hardware threads of its core.
///   topology: the kernel's list of processors ("/sys/devices/system/cpu"); without it a core has one thread
bool within_one_core(const std::vector<int>& mask, const std::filesystem::path& topology);

/// All online cores of this machine, including those that this process may not use.
int online_cores();

/// Returns the whole cores that this process's control groups allow (containers, Slurm, systemd), rounded down, at
/// least 1; 0 without a limit. Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us) at every level.
///   root: the mount point of the hierarchy; membership: the text of /proc/self/cgroup
int quota_cores(const std::filesystem::path& root, const std::string& membership);

/// Cores that this process may use: the smaller of its affinity mask and its control groups' quota.
int usable_cores();

/// Collective. Returns the cores that the ranks on this host may use together: the smaller of the union of their
/// affinity masks and the quota. Divided by the host's ranks it gives the threads per rank, bound or not.
///   hosts: host names by rank
int shared_cores(const Ranks& ranks, const std::vector<std::string>& hosts);

/// Returns true if this CPU multiplies bfloat16 in hardware (AVX-512-bf16, AMX, Arm's BF16). Otherwise bf16 is far
/// slower than fp32.
bool cpu_has_bf16();

/// "AVX512, bf16": the instruction sets that decide which kernels run. Rounding depends on them.
std::string cpu_kind();

/// A CUDA device that this process sees.
struct CudaDevice {
  std::string name;
  std::string identity;  // UUID: the same in every process, unlike the index
};

/// "2.27.3"; "none" in a build without NCCL, or if its module cannot be loaded.
std::string nccl_version();

/// Returns the devices by index; none without a driver or without CUDA in this build. Throws ClusterError if LibTorch
/// was queried before the CUDA library was loaded, and therefore cannot use them.
std::vector<CudaDevice> cuda_devices();

}  // namespace pleat
