#include "run/memory_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

#include "run/finished_job.h"

namespace pleat {
namespace {

// The largest power of two of images that fits, or the largest number below eight; 0 if two images do not fit.
// BatchNorm needs two.
std::int64_t images_that_fit(const MemoryNeed& need, double free) {
  constexpr double kSpare = 0.95;  // the estimate is off by some percent
  const double tensors = kSpare * free - kLibraryBytes;
  if (need.per_image <= 0 || need.least > tensors) return 0;
  const auto fit = need.images - static_cast<std::int64_t>(std::ceil((need.tensors - tensors) / need.per_image));
  if (fit < 2) return 0;
  return fit < 8 ? fit : static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(fit)));
}

std::string remedy(const MemoryNeed& need, double free, int local_size) {
  const std::string fewer = local_size > 1 ? ", or start fewer ranks on this host" : "";
  if (need.per_image == 0) return "use a machine with more memory" + fewer;
  const std::int64_t images = images_that_fit(need, free);
  if (images == 0) {
    return "no batch fits: use a smaller network or smaller crops, or a machine with more memory" + fewer;
  }
  const double smaller = need.bytes() - need.per_image * double(need.images - images);
  return fmt::format("set train.batch={} (about {}){}", images * need.micro_batches,
                     memory_text(std::max(smaller, need.least + kLibraryBytes)), fewer);
}

// A rough estimate suffices where it leaves half of the memory free.
MemoryNeed careful_need(const Run& run, const PlannedJob& job, double free) {
  MemoryNeed rough = need_of(run, job, Accuracy::kRough);
  return 2 * rough.bytes() < free ? rough : need_of(run, job);
}

}  // namespace

std::string memory_text(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.2f} GB", bytes / 1e9);
}

std::vector<const PlannedJob*> kinds_to_do(const Run& run, const std::vector<PlannedJob>& jobs) {
  std::vector<const PlannedJob*> kinds;
  std::set<std::pair<int, int>> seen;
  for (const PlannedJob& job : jobs) {
    if (is_done(run.folder_of(job), job.work.key)) continue;
    if (seen.emplace(job.unit, job.model).second) kinds.push_back(&job);
  }
  return kinds;
}

std::int64_t pseudo_rows_at_most(const Run& run) {
  const RoundsConfig& rounds = run.config.rounds;
  if (rounds.count == 1) return 0;
  const Dataset& dataset = *run.dataset;
  return static_cast<std::int64_t>(dataset.unlabelled.size() + (rounds.use_test ? dataset.test.size() : 0));
}

MemoryNeed need_of(const Run& run, const PlannedJob& job, Accuracy accuracy) {
  const std::int64_t images = images_of_step(job.work, pseudo_rows_at_most(run));
  return need_of(run, job, estimate_memory(job.work, run.dataset->crops.shape(), images, accuracy));
}

MemoryNeed need_of(const Run& run, const PlannedJob& job, const MemoryEstimate& memory) {
  const std::int64_t images = images_of_step(job.work, pseudo_rows_at_most(run));
  const bool gpu = run.place.device.is_cuda();
  const std::int64_t fixed = memory.checkpoint + memory.weights;  // host memory of a rank with a GPU
  return {.what = fmt::format("training {} for {}", run.config.models[std::size_t(job.model)].id,
                              run.dataset->targets.units[std::size_t(job.unit)].name),
          .tensors = double(gpu ? memory.ahead + fixed : memory.rank_bytes()),
          .least = double(gpu ? fixed : std::max(memory.predicting, memory.state) + memory.checkpoint),
          .per_image = gpu ? double(memory.ahead) / double(images) : double(memory.per_image),
          .images = images,
          .micro_batches = job.work.train.micro_batches};
}

double free_for_a_rank(const FreeMemory& free, int ranks) {
  return free.least() / std::max(1, ranks) + std::min(free.own, kLibraryBytes);
}

void require_memory(const MemoryNeed& need, double free, int local_size, const std::string& host) {
  if (need.bytes() <= free) return;
  const std::string at_once = need.images > 0 ? fmt::format(" for {} images at once", need.images) : "";
  const std::string share = local_size > 1 ? fmt::format(" for each of its {} ranks", local_size) : "";
  throw ClusterError("{} needs about {}{}, but host {} has {} free{}; {}", need.what, memory_text(need.bytes()),
                     at_once, host, memory_text(free), share, remedy(need, free, local_size));
}

void check_memory(const Run& run, const std::vector<PlannedJob>& jobs, const MpiSession& session) {
  std::optional<MemoryNeed> largest;
  on_rank_0(session.ranks(), [&] {
    const double free = free_for_a_rank(run.place.free, run.place.mine.local_size);
    for (const PlannedJob* job : kinds_to_do(run, jobs)) {
      MemoryNeed need = careful_need(run, *job, free);
      if (!largest || need.tensors > largest->tensors) largest = std::move(need);
    }
  });
  check_memory(largest, run.place, session);
}

void check_memory(const std::optional<MemoryNeed>& need, const ComputePlace& place, const MpiSession& session) {
  const auto known = broadcast<std::vector<MemoryNeed>>(
      session.ranks(), [&] { return need ? std::vector<MemoryNeed>{*need} : std::vector<MemoryNeed>(); });
  const std::string host = session.hosts()[std::size_t(session.rank())];  // collective
  together(session.ranks(), [&] {
    const int ranks = place.mine.local_size;
    for (const MemoryNeed& each : known) require_memory(each, free_for_a_rank(place.free, ranks), ranks, host);
  });
}

}  // namespace pleat
