#include "sweep/sweep_needs.h"

#include <algorithm>
#include <map>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "run/finished_job.h"
#include "train/memory_estimate.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Of all networks of one cell on one fold.
struct FoldNeeds {
  double weights = 0, predictions = 0, checkpoint = 0;
};

FoldNeeds needs_of_fold(const Run& run) {
  FoldNeeds needs;
  for (const PlannedJob& job : plan_fold(run, {0})) {
    const MemoryEstimate estimate =
        estimate_memory(job.work, run.dataset->crops.shape(), images_of_step(job.work), Accuracy::kRough);
    needs.weights += double(estimate.weights);
    needs.predictions += double(job.work.predict_rows.size()) * (8.0 + 4.0 * job.work.outputs());
    needs.checkpoint = std::max(needs.checkpoint, 2.0 * double(estimate.checkpoint));  // a job keeps the newest two
  }
  return needs;
}

// The largest of all cells. Cells that differ only in other keys need the same.
FoldNeeds largest(const SweepPlan& plan) {
  FoldNeeds largest;
  std::map<std::string, FoldNeeds> known;
  for (const Trial& trial : plan.trials) {
    Json config = to_json(trial.full.config);
    Json& train = config["train"];
    const Json kind{config["models"], train["optimizer"], train["ema"], train["keep"]};
    const auto [found, is_new] = known.try_emplace(kind.dump());
    if (is_new) found->second = needs_of_fold(trial.full);
    largest.weights = std::max(largest.weights, found->second.weights);
    largest.predictions = std::max(largest.predictions, found->second.predictions);
    largest.checkpoint = std::max(largest.checkpoint, found->second.checkpoint);
  }
  return largest;
}

double size_of_folder(const fs::path& folder) {
  std::error_code error;
  double bytes = 0;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) bytes += double(entry->file_size(ignored));
  }
  return bytes;
}

// Whether no job of the cell is left on any fold.
bool is_trained(const Run& run, const std::vector<int>& folds) {
  return std::all_of(folds.begin(), folds.end(), [&](int fold) {
    const std::vector<PlannedJob> jobs = plan_fold(run, {fold});
    return std::all_of(jobs.begin(), jobs.end(), [&](const PlannedJob& job) {
      return held_result(run.folder_of(job), job.work.key) != Held::kNothing;
    });
  });
}

}  // namespace

SweepNeeds needs_of(const SweepPlan& plan) {
  const FoldNeeds fold = largest(plan);
  const Race::Most most = Race::most(plan.shape);
  const Run& run = plan.base();
  const std::string& keep = run.config.sweep.keep;
  const double full = most.first + most.others, folds = plan.shape.folds;
  const double complete = most.others / std::max(1.0, folds - 1);  // cells on all folds, at most
  const double predictions = (most.briefs + full) * fold.predictions;
  SweepNeeds needs;
  double kept = 0, peak = full;  // networks of a cell and fold
  if (keep == "all") kept = full;
  if (keep == "best") kept = plan.collect ? complete * folds : folds;
  if (keep == "scores") peak = 0;
  // Cells of a full grid are trained one after another, and those that are not the best so far lose their weights.
  if (keep == "best" && !plan.shape.race && !plan.collect)
    peak = std::min(full, folds * (2 + double(run.place.layout.slots) / folds));
  needs.kept = predictions + kept * fold.weights;
  needs.peak = predictions + peak * fold.weights + run.place.layout.slots * fold.checkpoint;
  return needs;
}

std::optional<MemoryNeed> memory_of(const SweepPlan& plan, bool all) {
  struct Kind {
    const Run* run;
    std::int64_t images;
  };
  std::map<std::string, Kind> kinds;  // the cell with the most images in a step stands for those of its kind
  for (const Trial& trial : plan.trials) {
    if (!all && is_trained(trial.full, plan.fold_order)) continue;
    const std::vector<PlannedJob> jobs = plan_fold(trial.full, {plan.fold_order.front()});
    const Json config = to_json(trial.full.config);
    const Json& train = config["train"];
    const Json kind{config["models"], train["optimizer"], train["ema"], train["keep"], train["precision"]};
    const std::int64_t images = images_of_step(jobs.front().work);
    const auto [found, is_new] = kinds.try_emplace(kind.dump(), Kind{&trial.full, images});
    if (!is_new && images > found->second.images) found->second = {&trial.full, images};
  }
  std::optional<MemoryNeed> most;
  for (const auto& [name, kind] : kinds) {
    for (const PlannedJob& job : plan_fold(*kind.run, {plan.fold_order.front()})) {
      MemoryNeed need = need_of(*kind.run, job);
      if (!most || need.tensors > most->tensors) most = std::move(need);
    }
  }
  return most;
}

void check_space(const SweepPlan& plan, const SweepNeeds& needs) {
  const auto available = free_space(plan.paths.root);
  if (!available) return;
  const double needed = needs.peak - size_of_folder(plan.paths.root), free = double(*available);
  if (needed <= free) return;
  throw DataError(
      "the sweep needs up to {:.1f} MB more in {}, but only {:.1f} MB are free; make room, give another folder with "
      "--run, or keep less with --set sweep.keep=scores",
      needed / 1e6, plan.paths.root.string(), free / 1e6);
}

}  // namespace pleat
