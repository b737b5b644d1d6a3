// When fewer jobs than slots remain, those jobs also use the idle slots' cores.
#pragma once

#include <set>
#include <vector>

#include "run/compute_place.h"
#include "run/run_config.h"

namespace pleat {

/// The last jobs, and their threads per rank. With cluster.threads fixed, results must not depend on the number of
/// ranks, so no job gets more threads.
struct LastWave {
  std::set<int> jobs;
  int threads = 1;
};

/// `to_do`: the jobs of this start, in the order of the queue, the same on every rank. Pure.
LastWave last_wave(const RunConfig& config, const RankLayout& layout, const RankPlace& mine,
                   const std::vector<int>& to_do);

/// While it lives, this process computes with that many threads.
class ThreadCount {
 public:
  explicit ThreadCount(int threads);
  ~ThreadCount();
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace pleat
