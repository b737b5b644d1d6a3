// Each rank's report for `pleat doctor`, and the problems found in them. Finding problems is pure.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "base/ranks.h"
#include "cluster/device_choice.h"

namespace pleat {

struct RankReport {
  int rank = 0;
  std::string host;
  std::vector<int> cores;            // affinity mask
  bool one_core = false;             // the mask lies within one physical core, whose hardware threads it may all hold
  int usable_cores = 1;              // of the mask, by control groups' quota
  int online_cores = 1;              // of the machine
  std::string cpu;                   // "AVX512, bf16": the order of sums depends on it
  std::vector<std::string> devices;  // names of the visible CUDA devices
  std::vector<std::string> device_identities;
  bool has_nvidia_device = false;  // the machine has one, whether or not LibTorch can use it
  std::string build;
  std::vector<std::string> module_faults;  // of missing modules, with the remedy
  static constexpr auto members() {
    using R = RankReport;
    return std::tuple{&R::rank,         &R::host,         &R::cores,   &R::one_core,          &R::usable_cores,
                      &R::online_cores, &R::cpu,          &R::devices, &R::device_identities, &R::has_nvidia_device,
                      &R::build,        &R::module_faults};
  }
};

/// Measures this process. Does not communicate.
RankReport measure_rank(int rank, const std::string& host);

/// Every rank's report, by rank. Collective.
std::vector<RankReport> gather_reports(const Ranks& ranks, const RankReport& mine);

/// "0-3,8": cores in the form of taskset and of Linux's own files.
std::string core_list(const std::vector<int>& cores);

/// The devices that a run with cluster.device: auto would use.
DeviceChoice device_choice(const std::vector<RankReport>& reports);

/// One sentence with the remedy for each fault or slow setting; empty if there is none. `launched`: under mpirun.
std::vector<std::string> find_problems(const std::vector<RankReport>& reports, bool launched);

/// Collective. Rank 0 puts a file into `folder` (made if missing) and every rank looks for it; both are removed again.
/// Returns, by rank, who sees the file. Throws DataError on every rank if the file cannot be written.
std::vector<bool> who_sees(const std::string& folder, const Ranks& ranks);

}  // namespace pleat
