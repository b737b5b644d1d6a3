// What this process may use of the machine it runs on: cores, bf16, CUDA devices.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/ranks.h"

namespace pleat {

/// The cores in this process's affinity mask, ascending. A launcher that binds ranks narrows it.
std::vector<int> affinity_cores();

/// True if the mask is not empty and lies within one physical core: Open MPI's bind-to-core gives a rank all hardware
/// threads of its core.
///   topology: where the kernel lists the processors ("/sys/devices/system/cpu"); without it a core has one thread.
bool within_one_core(const std::vector<int>& mask, const std::filesystem::path& topology);

/// Cores of this machine that are switched on, whoever may use them.
int online_cores();

/// Whole cores that the control groups of this process allow it (containers, Slurm, systemd), rounded down, at
/// least 1; 0 if there is no limit. Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us), every level up.
///   root: where the hierarchy is mounted; membership: the text of /proc/self/cgroup.
int quota_cores(const std::filesystem::path& root, const std::string& membership);

/// Cores that this process may use: its affinity mask, or fewer if a control group's quota is smaller.
int usable_cores();

/// Cores that the ranks on this rank's host may use together: the union of their affinity masks, or fewer by quota.
/// Divided by the ranks on the host it gives the threads of each, bound or not. Every rank must call it.
///   hosts: host names by rank.
int shared_cores(const Ranks& ranks, const std::vector<std::string>& hosts);

/// True if this CPU multiplies bfloat16 in hardware (AVX-512-bf16, AMX, Arm's BF16); elsewhere bf16 is far slower
/// than fp32.
bool cpu_has_bf16();

/// "AVX512, bf16": the instruction sets that kernels are chosen by, and so what sums depend on.
std::string cpu_kind();

/// A CUDA device that this process sees.
struct CudaDevice {
  std::string name;
  std::string identity;  // what tells it from all others (its UUID), whoever sees it under which index
};

/// By index; none without a driver, or without CUDA in this build. Throws ClusterError if LibTorch, asked too early,
/// has no eye for them.
std::vector<CudaDevice> cuda_devices();

}  // namespace pleat
