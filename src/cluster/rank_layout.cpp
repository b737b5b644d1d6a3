#include "cluster/rank_layout.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace pleat {
namespace {

void check(const LayoutRequest& request) {
  if (request.shards < 1) throw UsageError("cluster.shards is {}; it must be 1 or more", request.shards);
  if (request.world_size < 1) throw UsageError("a run has {} ranks; it must have 1 or more", request.world_size);
  if (request.shards > request.world_size) {
    throw UsageError("cluster.shards is {}, but there are only {} ranks; start more ranks (mpirun -n {}) or lower it",
                     request.shards, request.world_size, request.shards);
  }
  if (!request.hosts.empty() && static_cast<int>(request.hosts.size()) != request.world_size) {
    throw UsageError("{} host names for {} ranks", request.hosts.size(), request.world_size);
  }
}

}  // namespace

RankLayout make_layout(const LayoutRequest& request) {
  check(request);
  RankLayout layout{.world_size = request.world_size,
                    .shards = request.shards,
                    .slots = request.world_size / request.shards,
                    .ranks = std::vector<RankPlace>(static_cast<std::size_t>(request.world_size))};

  const auto host_of = [&](std::size_t rank) { return request.hosts.empty() ? std::string() : request.hosts[rank]; };
  std::map<std::string, int> ranks_on;
  for (std::size_t rank = 0; rank < layout.ranks.size(); ++rank) {
    layout.ranks[rank].local_rank = ranks_on[host_of(rank)]++;
  }

  for (std::size_t rank = 0; rank < layout.ranks.size(); ++rank) {
    RankPlace& place = layout.ranks[rank];
    const int slot = static_cast<int>(rank) / layout.shards;
    if (slot < layout.slots) {
      place.slot = slot;
      place.shard = static_cast<int>(rank) % layout.shards;
    }
    place.local_size = ranks_on[host_of(rank)];
    if (!request.devices.empty()) place.device = request.devices.at(rank);
    place.cores = std::max(1, request.cores_per_rank_host);
    place.threads = request.threads > 0 ? request.threads : std::max(1, request.cores_per_rank_host / place.local_size);
  }
  return layout;
}

}  // namespace pleat
