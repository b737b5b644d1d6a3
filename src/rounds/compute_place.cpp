#include "rounds/compute_place.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "base/build_info.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "cluster/host.h"
#include "train/precision.h"

namespace pleat {
namespace {

// "auto" takes CUDA only if every rank of every host has a device to itself: ranks of one run compute alike.
bool choose_cuda(const std::string& configured, const RankPlace& place, const MpiSession& session) {
  const int devices = configured == "cpu" ? 0 : cuda_devices();
  if (configured == "cuda") {
    together(session.ranks(), [&] {
      if (devices == 0) {
        throw ClusterError(
            "cluster.device is cuda, but host {} (rank {}) has no CUDA device that LibTorch can use; set "
            "cluster.device=cpu or auto, or run `pleat doctor` there",
            session.hosts()[std::size_t(session.rank())], session.rank());
      }
    });
    return true;
  }
  const auto all = session.ranks().all_gather(devices >= place.local_size ? "cuda" : "cpu");
  return std::all_of(all.begin(), all.end(), [](const std::string& one) { return one == "cuda"; });
}

}  // namespace

ComputePlace choose_place(RunConfig& config, const MpiSession& session) {
  LayoutRequest request{.world_size = session.size(),
                        .shards = static_cast<int>(config.cluster.shards),
                        .hosts = session.hosts(),
                        .cores_per_rank_host = shared_cores(session.ranks(), session.hosts()),
                        .threads = static_cast<int>(config.cluster.threads.value.value_or(0))};
  ComputePlace place;
  together(session.ranks(), [&] { place.layout = make_layout(request); });
  place.mine = place.layout.ranks[std::size_t(session.rank())];
  if (choose_cuda(config.cluster.device, place.mine, session)) {
    request.devices = cuda_devices();
    place.layout = make_layout(request);
    place.mine = place.layout.ranks[std::size_t(session.rank())];
    place.device = torch::Device(at::kCUDA, static_cast<c10::DeviceIndex>(place.mine.device));
    at::globalContext().setDeterministicCuDNN(
        true);  // else cuDNN may choose kernels that add in another order each time
    at::globalContext().setBenchmarkCuDNN(false);
  }
  at::set_num_threads(place.mine.threads);

  const auto bf16 = session.ranks().all_gather(resolve_precision(config.train.precision, place.device, cpu_has_bf16()));
  const bool all_bf16 = std::all_of(bf16.begin(), bf16.end(), [](const std::string& one) { return one == "bf16"; });
  config.train.precision = all_bf16 ? "bf16" : "fp32";
  if (config.train.precision == "bf16" && place.device.is_cpu() && !cpu_has_bf16()) {
    spdlog::warn("train.precision is bf16, but this CPU computes bf16 in software, far slower than fp32");
  }
  const int used = place.layout.slots * place.layout.shards;
  if (session.rank() == 0 && used < session.size()) {
    spdlog::warn("{} of {} ranks stay idle: the number of ranks is no multiple of cluster.shards ({})",
                 session.size() - used, session.size(), config.cluster.shards);
  }
  return place;
}

std::string promise(const RunConfig& config) {
  if (!config.cluster.threads.value)
    return "none: cluster.threads is auto, so sums may be taken in another order on another number of ranks";
  if (config.cluster.shards > 1 && !config.cluster.exact)
    return "byte-identical for the same cluster.shards, for any number of slots and through kills";
  return "byte-identical for any number of ranks and through kills, with this build, CPU kind and cluster.threads";
}

void agree_on_inputs(const RunConfig& config, const std::string& data_hash, const MpiSession& session) {
  const std::pair<const char*, std::string> inputs[] = {{"build", build_id()},
                                                        {"config", sha256(identity_of(config).dump()).substr(0, 12)},
                                                        {"crops file's content", data_hash.substr(0, 12)}};
  for (const auto& [what, mine] : inputs) {
    const auto all = session.ranks().all_gather(mine);
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
      if (all[rank] == all[0]) continue;
      throw Error(
          ClusterError(
              "ranks differ in their {}: rank 0 (host {}) has {}, rank {} (host {}) has {}; give every host the same",
              what, session.hosts()[0], all[0], rank, session.hosts()[rank], all[rank])
              .for_all_ranks());
    }
  }
}

}  // namespace pleat
