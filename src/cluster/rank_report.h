// What each rank says of itself for `pleat doctor`, and what is wrong with the picture. The judging is pure.
#pragma once

#include <string>
#include <vector>

#include "base/ranks.h"
#include "cluster/device_choice.h"

namespace pleat {

struct RankReport {
  int rank = 0;
  std::string host;
  std::vector<int> cores;            // affinity mask
  bool one_core = false;             // the mask lies within one physical core, whose hardware threads it may all hold
  int usable_cores = 1;              // of them, by control groups' quota
  int online_cores = 1;              // of the machine
  std::string cpu;                   // "AVX512, bf16": what sums depend on
  std::vector<std::string> devices;  // names of the CUDA devices that it sees
  std::vector<std::string> device_identities;
  bool has_nvidia_device = false;  // the machine has one, whether or not LibTorch can use it
  std::string build;
};

/// Of this process; does not communicate.
RankReport measure_rank(int rank, const std::string& host);

/// Every rank's report, by rank. Collective.
std::vector<RankReport> gather_reports(const Ranks& ranks, const RankReport& mine);

/// "0-3,8": cores in the form of taskset and of Linux's own files.
std::string core_list(const std::vector<int>& cores);

/// What a run with cluster.device: auto would use.
DeviceChoice device_choice(const std::vector<RankReport>& reports);

/// One sentence for each thing that is wrong or slow, with the remedy; empty if all is well. launched: under mpirun.
std::vector<std::string> find_problems(const std::vector<RankReport>& reports, bool launched);

/// Collective: rank 0 makes `folder` if need be and puts a file there; true on every rank for each rank that sees it,
/// by rank. The file is removed, and the folder if it was made. Throws DataError on every rank if it cannot be written.
std::vector<bool> who_sees(const std::string& folder, const Ranks& ranks);

}  // namespace pleat
