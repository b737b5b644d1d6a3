// Assigns each rank its slot, shard, device and threads. Pure.
#pragma once

#include <string>
#include <vector>

namespace pleat {

struct LayoutRequest {
  int world_size = 1;
  int shards = 1;                  // ranks per slot
  std::vector<std::string> hosts;  // by rank; empty: all on one
  int cores_per_rank_host = 1;     // cores of this rank's host, shared by its local ranks
  std::vector<int> devices;        // CUDA device by rank (cluster/device_choice.h); empty: CPU
  int threads = 0;                 // from the config; 0: auto, cores / local ranks
};

struct RankPlace {
  int slot = -1;       // -1: idle (world_size is no multiple of shards)
  int shard = 0;       // 0 is the slot's leader
  int local_rank = 0;  // index among the ranks of its host
  int local_size = 1;
  int device = -1;  // CUDA device index; -1: CPU
  int threads = 1;
  int cores = 1;  // shared by the ranks of its host
};

struct RankLayout {
  int world_size = 1, shards = 1, slots = 1;
  std::vector<RankPlace> ranks;
  int leader(int slot) const { return slot * shards; }
};

/// Throws: UsageError if shards > world_size, or either is < 1.
RankLayout make_layout(const LayoutRequest& request);

}  // namespace pleat
