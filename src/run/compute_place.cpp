#include "run/compute_place.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "base/log.h"
#include "base/module_file.h"
#include "cluster/device_choice.h"
#include "cluster/host.h"
#include "jobs/job_key.h"
#include "train/precision.h"

namespace pleat {
namespace {

// Collective. A program without its CUDA module would train on the CPU of a GPU machine.
void check_cuda_module(const std::string& configured, const MpiSession& session) {
  if (configured == "cpu" || !builds_cuda_module()) return;
  const std::vector<std::string> faults = gather(session.ranks(), module_fault(kCudaModule));
  for (std::size_t rank = 0; rank < faults.size(); ++rank) {
    if (faults[rank].empty()) continue;
    const std::string where = fmt::format("host {} (rank {}): {}", session.hosts()[rank], rank, faults[rank]);
    if (configured == "cuda") throw ClusterError("cluster.device is cuda, but on {}", where).for_all_ranks();
    if (session.rank() == 0) spdlog::warn("CUDA cannot be used, so this run trains on the CPU: {}", where);
    return;
  }
}

// Returns the CUDA device of each rank; empty for CPU. "auto" uses CUDA only if every rank has a device of its own, so
// that all ranks compute alike.
std::vector<int> agree_on_devices(const std::string& configured, const MpiSession& session) {
  std::vector<std::string> mine;
  check_cuda_module(configured, session);
  if (configured != "cpu") {
    for (const CudaDevice& device : cuda_devices()) mine.push_back(device.identity);
  }
  together(session.ranks(), [&] {
    if (configured != "cuda" || !mine.empty()) return;
    throw ClusterError(
        "cluster.device is cuda, but host {} (rank {}) has no CUDA device that LibTorch can use; set "
        "cluster.device=cpu or auto, or run `pleat doctor` there",
        session.hosts()[std::size_t(session.rank())], session.rank());
  });
  DeviceChoice choice = choose_devices(configured, session.hosts(), gather(session.ranks(), mine));
  if (session.rank() == 0 && !choice.why_cpu.empty()) spdlog::warn("{}", choice.why_cpu);
  return std::move(choice.devices);
}

// Returns the config without file paths, which may differ between hosts.
Json comparable(const RunConfig& config) {
  Json all = to_json(config);
  all["data"].erase("crops");
  all["folds"].erase("file");
  for (Json& model : all["models"]) {
    model.erase("script");
    model.erase("weights");
  }
  return all;
}

[[noreturn]] void refuse(const std::string& what, std::size_t rank, const std::string& difference,
                         const MpiSession& session) {
  throw ClusterError("ranks differ in their {}: rank 0 (host {}) and rank {} (host {}): {}; give every host the same",
                     what, session.hosts()[0], rank, session.hosts()[rank], difference)
      .for_all_ranks();
}

// Warns of a few threads per core: slow, but needed to reproduce the results of a larger host. Refuses hundreds, which
// would make no progress.
void check_threads(const RunConfig& config, const MpiSession& session) {
  constexpr int kMostPerCore = 4;
  const auto threads = config.cluster.threads.value.value_or(0);
  const int cores = online_cores();
  if (threads <= cores) return;
  const std::string text = fmt::format("cluster.threads is {}, but host {} has {} cores", threads,
                                       session.hosts()[std::size_t(session.rank())], cores);
  if (threads > kMostPerCore * cores) throw UsageError("{}; set at most {}, or auto", text, cores);
  if (session.rank() == 0) spdlog::warn("{}: this will be slow", text);
}

}  // namespace

ComputePlace choose_place(RunConfig& config, const MpiSession& session) {
  LayoutRequest request{.world_size = session.size(),
                        .shards = static_cast<int>(config.cluster.shards),
                        .hosts = session.hosts(),
                        .cores_per_rank_host = shared_cores(session.ranks(), session.hosts()),
                        .threads = static_cast<int>(config.cluster.threads.value.value_or(0))};
  ComputePlace place;
  together(session.ranks(), [&] {
    check_threads(config, session);
    place.layout = make_layout(request);
  });
  request.devices = agree_on_devices(config.cluster.device, session);
  place.layout = make_layout(request);
  place.mine = place.layout.ranks[std::size_t(session.rank())];
  if (place.mine.device >= 0) {
    place.device = torch::Device(at::kCUDA, static_cast<c10::DeviceIndex>(place.mine.device));
    at::globalContext().setDeterministicCuDNN(true);  // otherwise cuDNN may choose kernels that sum in varying order
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setAllowTF32CuDNN(false);  // fp32 means fp32; bf16 is the fast option
  }
  together(session.ranks(), [&] { place.free = free_memory(); });
  at::set_num_threads(place.mine.threads);
  const auto cpus = session.ranks().all_gather(cpu_kind());
  place.cpus = fmt::format("{}", fmt::join(std::set<std::string>(cpus.begin(), cpus.end()), " and "));

  const auto bf16 = session.ranks().all_gather(resolve_precision(config.train.precision, place.device, cpu_has_bf16()));
  const bool all_bf16 = std::all_of(bf16.begin(), bf16.end(), [](const std::string& one) { return one == "bf16"; });
  config.train.precision = all_bf16 ? "bf16" : "fp32";
  if (config.train.precision == "bf16" && place.device.is_cpu() && !cpu_has_bf16()) {
    spdlog::warn("train.precision is bf16, but this CPU computes bf16 in software, far slower than fp32");
  }
  const int used = place.layout.slots * place.layout.shards;
  if (session.rank() == 0 && used < session.size()) {
    spdlog::warn("{} of {} ranks stay idle: the number of ranks is not a multiple of cluster.shards ({})",
                 session.size() - used, session.size(), config.cluster.shards);
  }
  return place;
}

void agree_on(const std::string& what, const std::string& mine, const MpiSession& session) {
  const auto all = session.ranks().all_gather(mine);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) refuse(what, rank, fmt::format("{} and {}", all[0], all[rank]), session);
  }
}

void agree_on_config(const RunConfig& config, const MpiSession& session) {
  agree_on("build", build_id(), session);
  const auto all = session.ranks().all_gather(comparable(config).dump());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    const auto differences = differing_fields(parse_json(all[0]), parse_json(all[rank]));
    refuse("config", rank, fmt::format("{}", fmt::join(differences, ", ")), session);
  }
}

void agree_on_data(const std::string& data_hash, const MpiSession& session) {
  agree_on("crops file's content", data_hash.substr(0, 12), session);
}

void agree_on_model_files(const RunConfig& config, const std::vector<ModelFiles>& files, const MpiSession& session) {
  for (std::size_t m = 0; m < files.size(); ++m) {
    const std::string of_model = fmt::format(" of model {}: its content", config.models[m].id);
    agree_on("script" + of_model, files[m].script.substr(0, 12), session);
    agree_on("weights" + of_model, files[m].weights.substr(0, 12), session);
  }
}

}  // namespace pleat
