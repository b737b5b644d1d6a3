#include "rounds/dry_run.h"

#include <algorithm>
#include <system_error>

#include "train/memory_estimate.h"

namespace pleat {
namespace {

std::string megabytes(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.2f} GB", bytes / 1e9);
}

}  // namespace

std::string describe_dry_run(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                             const ComputePlace& place, const std::filesystem::path& folder) {
  const ImageShape& shape = dataset.crops.shape();
  const RankLayout& layout = place.layout;
  std::string text = fmt::format("data      {} ({} rows, {}x{}x{}): {} train, {} unlabelled, {} test rows take part\n",
                                 config.data.crops, dataset.crops.rows(), shape.height, shape.width, shape.channels,
                                 dataset.train.size(), dataset.unlabelled.size(), dataset.test.size());
  text +=
      fmt::format("slots     {} slots of {} ranks on {} ranks, {} threads each, {}, {}\n", layout.slots, layout.shards,
                  layout.world_size, place.mine.threads, place.device_name(), config.train.precision);
  text += fmt::format("jobs      {} = {} targets x {} models x {} folds; at most {} at once, {} waves\n", jobs.size(),
                      dataset.targets.size(), config.models.size(),
                      jobs.size() / dataset.targets.size() / config.models.size(),
                      std::min<std::size_t>(jobs.size(), std::size_t(layout.slots)),
                      (jobs.size() + std::size_t(layout.slots) - 1) / std::size_t(layout.slots));
  double peak = 0, disk = 0, checkpoints = 0;
  for (const PlannedJob& job : jobs) {
    text += fmt::format("          {}: {} training rows, {} held out, {} steps an epoch, key {}\n", job.name,
                        job.work.train_rows.size(), job.held_out_rows,
                        steps_per_epoch(job.work.train_rows.size(), job.work.train), job.work.key.substr(0, 12));
  }
  for (std::size_t m = 0; m < config.models.size(); ++m) {
    for (std::size_t t = 0; t < dataset.targets.size(); ++t) {
      const auto of_kind = [&](const PlannedJob& job) { return job.model == int(m) && job.target == int(t); };
      const auto count = static_cast<double>(std::count_if(jobs.begin(), jobs.end(), of_kind));
      const PlannedJob& job = *std::find_if(jobs.begin(), jobs.end(), of_kind);
      const MemoryEstimate memory = estimate_memory(job.work, shape);
      text += fmt::format("memory    {} for {}: weights {}, with gradients and optimizer {}, peak of a step {}\n",
                          config.models[m].id, dataset.targets[t].name, megabytes(double(memory.weights)),
                          megabytes(double(memory.state)), megabytes(double(memory.peak)));
      peak = std::max(peak, static_cast<double>(memory.peak));
      const double predictions = static_cast<double>(job.work.predict_rows.size()) * (8.0 + 4.0 * job.work.classes);
      disk += count * (static_cast<double>(memory.weights) + predictions);
      checkpoints = std::max(checkpoints, 2.0 * static_cast<double>(memory.state));  // two are kept per unfinished job
    }
  }
  // What a rank takes before its first tensor: LibTorch and its libraries, as seen with an empty program.
  constexpr double kLibraries = 400e6;
  const int local = place.mine.local_size;
  text +=
      fmt::format("memory    about {} a rank, {} on this host's {} ranks, and {} of crops shared in the page cache\n",
                  megabytes(peak + kLibraries), megabytes((peak + kLibraries) * local), local,
                  megabytes(static_cast<double>(dataset.crops.rows() * shape.bytes())));
  std::error_code error;
  auto existing = std::filesystem::absolute(folder);
  while (!std::filesystem::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  const auto space = std::filesystem::space(existing, error);
  text += fmt::format("disk      about {} of results and {} of checkpoints in {} ({} free)\n", megabytes(disk),
                      megabytes(checkpoints * layout.slots), folder.string(),
                      error ? "unknown" : megabytes(static_cast<double>(space.available)));
  return text + "nothing was written: this was a dry run\n";
}

}  // namespace pleat
