// Jobs that are left when there are fewer of them than slots: the cores of the slots that stand idle then are theirs.
#pragma once

#include <set>
#include <vector>

#include "rounds/compute_place.h"
#include "rounds/run_config.h"

namespace pleat {

/// Which jobs, and with how many threads a rank. With cluster.threads fixed, results must not depend on the number of
/// ranks: no job then has more than others.
struct LastWave {
  std::set<int> jobs;
  int threads = 1;
};

/// `to_do`: the jobs of this start, in the order in which they are handed out; the same on every rank. Pure.
LastWave last_wave(const RunConfig& config, const RankLayout& layout, const RankPlace& mine,
                   const std::vector<int>& to_do);

/// While it lives, this process computes with so many threads.
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
