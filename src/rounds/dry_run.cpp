#include "rounds/dry_run.h"

#include <algorithm>
#include <system_error>

#include "rounds/job_result.h"
#include "rounds/run_folder.h"
#include "train/memory_estimate.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// What a rank takes before its first tensor: LibTorch and its libraries, as seen with an empty program.
constexpr double kLibraries = 400e6;

std::string megabytes(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.2f} GB", bytes / 1e9);
}

std::string describe_data(const RunConfig& config, const Dataset& dataset) {
  const ImageShape& shape = dataset.crops.shape();
  return fmt::format("data      {} ({} rows, {}x{}x{}): {} train, {} unlabelled, {} test rows take part\n",
                     config.data.crops, dataset.crops.rows(), shape.height, shape.width, shape.channels,
                     dataset.train.size(), dataset.unlabelled.size(), dataset.test.size());
}

std::string describe_slots(const RunConfig& config, const ComputePlace& place) {
  const RankLayout& layout = place.layout;
  return fmt::format("slots     {} slots of {} ranks on {} ranks, {} threads each, {}, {}\n", layout.slots,
                     layout.shards, layout.world_size, place.mine.threads, place.device_name(), config.train.precision);
}

// Which jobs the folder holds whole, as the run itself would find them.
std::vector<bool> jobs_done(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                            const fs::path& folder) {
  std::vector<bool> done;
  for (const PlannedJob& job : jobs) {
    const fs::path of_job = RunPaths{folder}.fold(dataset.targets[std::size_t(job.target)].name,
                                                  config.models[std::size_t(job.model)].id, job.fold);
    done.push_back(is_done(of_job, job.work.key));
  }
  return done;
}

std::string describe_jobs(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                          const std::vector<bool>& done, int slots) {
  const auto before = static_cast<std::size_t>(std::count(done.begin(), done.end(), true));
  const std::size_t to_do = jobs.size() - before, at_once = static_cast<std::size_t>(slots);
  std::string text =
      fmt::format("jobs      {} = {} targets x {} models x {} folds; {} done before, at most {} at once, {} waves\n",
                  jobs.size(), dataset.targets.size(), config.models.size(),
                  jobs.size() / dataset.targets.size() / config.models.size(), before, std::min(to_do, at_once),
                  (to_do + at_once - 1) / at_once);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const FoldJob& work = jobs[i].work;
    text += fmt::format("          {}: {} training rows, {} held out, {} steps an epoch, key {}{}\n", jobs[i].name,
                        work.train_rows.size(), jobs[i].held_out_rows,
                        steps_per_epoch(work.train_rows.size(), work.train), work.key.substr(0, 12),
                        done[i] ? ", done" : "");
  }
  return text;
}

/// Bytes, of the largest job or of all.
struct Needs {
  double peak = 0, results = 0, checkpoint = 0;
};

// Jobs of one model and target differ in their rows alone: one is measured for all its folds.
std::string describe_memory(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                            Needs& needs) {
  std::string text;
  for (const PlannedJob& job : jobs) {
    if (job.fold.value != 0) continue;
    const MemoryEstimate memory = estimate_memory(job.work, dataset.crops.shape());
    const auto folds = static_cast<double>(config.folds.k * config.folds.repeats);
    text += fmt::format("memory    {} for {}: weights {}, with gradients and optimizer {}, peak of a step {}\n",
                        config.models[std::size_t(job.model)].id, dataset.targets[std::size_t(job.target)].name,
                        megabytes(double(memory.weights)), megabytes(double(memory.state)),
                        megabytes(double(memory.peak)));
    const double predictions = static_cast<double>(job.work.predict_rows.size()) * (8.0 + 4.0 * job.work.classes);
    needs.peak = std::max(needs.peak, static_cast<double>(memory.peak));
    needs.results += folds * (static_cast<double>(memory.weights) + predictions);
    needs.checkpoint = std::max(needs.checkpoint, 2.0 * static_cast<double>(memory.state));  // two are kept per job
  }
  return text;
}

std::string describe_host(const Dataset& dataset, const ComputePlace& place, const Needs& needs) {
  const int local = place.mine.local_size;
  const double crops = static_cast<double>(dataset.crops.rows() * dataset.crops.shape().bytes());
  return fmt::format(
      "memory    about {} a rank, {} on this host's {} ranks, and {} of crops shared in the page cache\n",
      megabytes(needs.peak + kLibraries), megabytes((needs.peak + kLibraries) * local), local, megabytes(crops));
}

std::string describe_disk(const fs::path& folder, const Needs& needs, int slots) {
  std::error_code error;
  fs::path existing = fs::absolute(folder, error);
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, error);
  return fmt::format("disk      about {} of results and {} of checkpoints in {} ({} free)\n", megabytes(needs.results),
                     megabytes(needs.checkpoint * slots), folder.string(),
                     error ? "unknown" : megabytes(static_cast<double>(space.available)));
}

}  // namespace

std::string describe_dry_run(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                             const ComputePlace& place, const fs::path& folder) {
  const std::vector<bool> done = jobs_done(config, dataset, jobs, folder);
  Needs needs;
  std::string text = describe_data(config, dataset) + describe_slots(config, place);
  text += describe_jobs(config, dataset, jobs, done, place.layout.slots);
  text += describe_memory(config, dataset, jobs, needs);
  text += describe_host(dataset, place, needs);
  text += describe_disk(folder, needs, place.layout.slots);
  return text + "nothing was written: this was a dry run\n";
}

}  // namespace pleat
