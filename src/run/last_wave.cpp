#include "run/last_wave.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace pleat {

LastWave last_wave(const RunConfig& config, const RankLayout& layout, const RankPlace& mine,
                   const std::vector<int>& to_do) {
  LastWave wave{.threads = mine.threads};
  const int jobs = static_cast<int>(to_do.size()) % layout.slots;
  if (config.cluster.threads.value || jobs == 0) return wave;
  // In the worst case all of these jobs run on this host.
  wave.threads = std::max(mine.threads, mine.cores / std::min(mine.local_size, jobs * layout.shards));
  wave.jobs.insert(to_do.end() - jobs, to_do.end());
  return wave;
}

ThreadCount::ThreadCount(int threads) : before_(at::get_num_threads()) {
  if (threads != before_) at::set_num_threads(threads);
}

ThreadCount::~ThreadCount() {
  if (at::get_num_threads() != before_) at::set_num_threads(before_);
}

}  // namespace pleat
