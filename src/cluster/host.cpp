#include "cluster/host.h"

#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <fmt/format.h>
#include <sched.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "cluster/control_groups.h"
#include "cluster/cuda_library.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

/// Cores for a quota in microseconds per period; infinite without a quota ("max", -1) or without the files.
double cores_of(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kNoLimit; }

double quota_v2(const fs::path& folder) {
  double quota = -1, period = -1;
  std::ifstream(folder / "cpu.max") >> quota >> period;  // "max 100000" leaves quota 0 and sets the fail bit
  return cores_of(quota, period);
}

double quota_v1(const fs::path& folder) {
  return cores_of(read_limit(folder / "cpu.cfs_quota_us"), read_limit(folder / "cpu.cfs_period_us"));
}

int own_quota() { return quota_cores(kControlGroups, own_membership()); }

}  // namespace

std::vector<int> affinity_cores() {
  std::vector<int> cores;
  // More than CPU_SETSIZE (1024) cores need a larger mask: the kernel returns EINVAL if the mask is too small.
  for (int room = CPU_SETSIZE; room <= (1 << 20); room *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<std::size_t>(room));
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(room));
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    for (int core = 0; known && core < room; ++core) {
      if (CPU_ISSET_S(static_cast<std::size_t>(core), bytes, mask)) cores.push_back(core);
    }
    CPU_FREE(mask);
    if (known) break;
  }
  return cores;
}

bool within_one_core(const std::vector<int>& mask, const fs::path& topology) {
  if (mask.empty()) return false;
  std::set<int> siblings{mask.front()};
  std::ifstream list(topology / fmt::format("cpu{}/topology/thread_siblings_list", mask.front()));
  std::string range;
  while (std::getline(list, range, ',')) {  // "0,8" or "0-1"
    std::istringstream words(range);
    int first = 0, last = 0;
    char dash = 0;
    if (!(words >> first)) continue;
    if (!(words >> dash >> last)) last = first;
    for (int core = first; core <= last; ++core) siblings.insert(core);
  }
  return std::all_of(mask.begin(), mask.end(), [&](int core) { return siblings.count(core) == 1; });
}

int online_cores() { return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))); }

int quota_cores(const fs::path& root, const std::string& membership) {
  const double least = smallest_limit(root, membership, {.controller = "cpu", .v2 = quota_v2, .v1 = quota_v1});
  return least == kNoLimit ? 0 : std::max(1, static_cast<int>(least));
}

int usable_cores() {
  const int mask = std::max<int>(1, static_cast<int>(affinity_cores().size()));
  const int quota = own_quota();
  return quota > 0 ? std::min(mask, quota) : mask;
}

int shared_cores(const Ranks& ranks, const std::vector<std::string>& hosts) {
  const std::vector<int> mine = affinity_cores();
  const std::vector<std::vector<int>> all = gather(ranks, mine);
  std::set<int> together(mine.begin(), mine.end());
  const auto me = static_cast<std::size_t>(ranks.rank);
  for (std::size_t rank = 0; rank < all.size() && rank < hosts.size(); ++rank) {
    if (hosts[rank] == hosts[me]) together.insert(all[rank].begin(), all[rank].end());
  }
  const int count = std::max(1, static_cast<int>(together.size()));
  const int quota = own_quota();
  return quota > 0 ? std::min(count, quota) : count;
}

bool cpu_has_bf16() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx512_bf16", "amx_bf16", "bf16", "arm_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool()) return true;
  }
  return false;
}

std::string cpu_kind() { return at::get_cpu_capability() + (cpu_has_bf16() ? ", bf16" : ", no bf16"); }

std::string nccl_version() {
  const CudaLibrary* library = built_cuda_library();
  return library != nullptr ? library->nccl_version() : "none";
}

std::vector<CudaDevice> cuda_devices() {
  const CudaLibrary* cuda = cuda_library();
  std::vector<CudaDevice> devices;
  if (cuda == nullptr) return devices;
  for (int i = 0; i < cuda->device_count(); ++i) devices.push_back({cuda->device_name(i), cuda->device_identity(i)});
  if (!devices.empty() && !torch::cuda::is_available()) {
    throw ClusterError(
        "there are {} CUDA devices, but LibTorch cannot use them, since it was queried before its CUDA library was "
        "loaded; this is a bug in pleat: please report it, and set cluster.device=cpu until it is fixed",
        devices.size());
  }
  return devices;
}

}  // namespace pleat
