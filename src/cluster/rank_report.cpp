#include "cluster/rank_report.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/build_info.h"
#include "base/error.h"
#include "base/module_file.h"
#include "cluster/host.h"

namespace pleat {
namespace {

namespace fs = std::filesystem;
using Reports = std::vector<RankReport>;

/// Cores in the affinity mask of any of these ranks.
int union_of_cores(const Reports& ranks) {
  std::set<int> cores;
  for (const RankReport& rank : ranks) cores.insert(rank.cores.begin(), rank.cores.end());
  return static_cast<int>(cores.size());
}

/// Reports ranks bound to one core each, Open MPI's default. Returns true if there are any.
bool check_binding(const std::string& host, const Reports& ranks, std::vector<std::string>& problems) {
  const int count = static_cast<int>(ranks.size()), online = ranks.front().online_cores;
  const int used = union_of_cores(ranks);
  const auto narrow = std::count_if(ranks.begin(), ranks.end(), [](const RankReport& r) { return r.one_core; });
  const bool cores_idle = used < online && (used < count || count < online);
  if (narrow == 0 || !cores_idle) return false;
  problems.push_back(fmt::format(
      "host {}: {} of {} ranks are bound to one core each, though the machine has {}; start with `mpirun "
      "--bind-to none`{}",
      host, narrow, count, online, count < online ? fmt::format(" or `--map-by slot:PE={}`", online / count) : ""));
  return true;
}

void check_cores(const std::string& host, const Reports& ranks, std::vector<std::string>& problems) {
  const int count = static_cast<int>(ranks.size());
  int cores = union_of_cores(ranks);
  for (const RankReport& rank : ranks) {
    if (rank.usable_cores < static_cast<int>(rank.cores.size())) cores = std::min(cores, rank.usable_cores);
  }
  if (cores > 0 && count > cores) {
    problems.push_back(fmt::format("host {}: {} ranks share {} cores and slow each other down; start {} there", host,
                                   count, cores, cores == 1 ? "one" : fmt::format("at most {}", cores)));
  }
}

void check_driver(const std::string& host, const Reports& ranks, std::vector<std::string>& problems) {
  if (!ranks.front().has_nvidia_device || !ranks.front().devices.empty()) return;
  problems.push_back(fmt::format(
      "host {}: has an NVIDIA device that LibTorch cannot use; look at nvidia-smi, CUDA_VISIBLE_DEVICES and whether "
      "the driver is new enough for this LibTorch's CUDA",
      host));
}

void check_alike(const Reports& reports, std::vector<std::string>& problems) {
  for (const RankReport& report : reports) {
    if (report.build != reports.front().build) {
      problems.push_back(fmt::format("ranks run different builds: host {} has {}, host {} has {}; install one on all",
                                     reports.front().host, reports.front().build, report.host, report.build));
      break;
    }
  }
  for (const RankReport& report : reports) {
    if (report.cpu != reports.front().cpu) {
      problems.push_back(fmt::format(
          "hosts have different CPUs ({}: {}; {}: {}): results stay correct, but their last digits depend on which "
          "host trains which job",
          reports.front().host, reports.front().cpu, report.host, report.cpu));
      break;
    }
  }
}

}  // namespace

RankReport measure_rank(int rank, const std::string& host) {
  RankReport report{.rank = rank,
                    .host = host,
                    .cores = affinity_cores(),
                    .one_core = within_one_core(affinity_cores(), "/sys/devices/system/cpu"),
                    .usable_cores = usable_cores(),
                    .online_cores = online_cores(),
                    .cpu = cpu_kind(),
                    .has_nvidia_device = fs::exists("/dev/nvidia0"),
                    .build = build_id()};
  for (const CudaDevice& device : cuda_devices()) {
    report.devices.push_back(device.name);
    report.device_identities.push_back(device.identity);
  }
  for (const char* module : {kFaceModule, kCudaModule}) {
    if (module == kCudaModule && !builds_cuda_module()) continue;
    if (std::string fault = module_fault(module); !fault.empty()) report.module_faults.push_back(std::move(fault));
  }
  return report;
}

Reports gather_reports(const Ranks& ranks, const RankReport& mine) { return gather(ranks, mine); }

DeviceChoice device_choice(const Reports& reports) {
  std::vector<std::string> hosts;
  std::vector<std::vector<std::string>> seen;
  for (const RankReport& report : reports) {
    hosts.push_back(report.host);
    seen.push_back(report.device_identities);
  }
  return choose_devices("auto", hosts, seen);
}

std::string core_list(const std::vector<int>& cores) {
  std::string text;
  for (std::size_t i = 0; i < cores.size();) {
    std::size_t last = i;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    text += text.empty() ? "" : ",";
    text += last == i ? std::to_string(cores[i]) : fmt::format("{}-{}", cores[i], cores[last]);
    i = last + 1;
  }
  return text.empty() ? "unknown" : text;
}

std::vector<std::string> find_problems(const Reports& reports, bool launched) {
  std::map<std::string, Reports> hosts;
  for (const RankReport& report : reports) hosts[report.host].push_back(report);
  std::vector<std::string> problems;
  for (const auto& [host, ranks] : hosts) {
    const bool bound = launched && check_binding(host, ranks, problems);
    if (!bound) check_cores(host, ranks, problems);
    check_driver(host, ranks, problems);
    for (const std::string& fault : ranks.front().module_faults)
      problems.push_back(fmt::format("host {}: {}", host, fault));
  }
  const std::string why_cpu = device_choice(reports).why_cpu;
  if (!why_cpu.empty()) problems.push_back(why_cpu);
  if (!reports.empty()) check_alike(reports, problems);
  return problems;
}

std::vector<bool> who_sees(const std::string& folder, const Ranks& ranks) {
  // A new name each time: a file left by an earlier check would prove nothing.
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const std::string name = ranks.all_gather(fmt::format(".pleat-doctor-{}-{}", getpid(), now)).front();
  const fs::path token = fs::path(folder) / name;
  bool made = false;
  on_rank_0(ranks, [&] {
    std::error_code error;
    made = fs::create_directories(folder, error);
    if (!(std::ofstream(token) << name << std::flush)) {
      throw DataError("{}: cannot be written by rank 0; check --run, its owner and free space", folder);
    }
  });
  std::string found;
  std::ifstream(token) >> found;
  const std::vector<char> seen = gather(ranks, char(found == name));
  if (ranks.rank == 0) {
    std::error_code ignored;
    fs::remove(token, ignored);
    if (made) fs::remove(folder, ignored);
  }
  return {seen.begin(), seen.end()};
}

}  // namespace pleat
