#include "sweep/sweep_dry_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/stopwatch.h"
#include "base/wording.h"
#include "run/dry_run.h"
#include "run/finished_job.h"
#include "sweep/sweep_needs.h"
#include "train/epoch_cut.h"
#include "train/free_steps.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kListed = 30;  // cells
constexpr double kMeasuring = 20;    // seconds for measuring steps

std::string describe_cells(const SweepPlan& plan) {
  std::string text = fmt::format("cells     {} of {}\n", plan.shape.cells, fmt::join(plan.cells.keys, ", "));
  for (std::size_t c = 0; c < std::min(kListed, plan.trials.size()); ++c)
    text += fmt::format("          {}\n", plan.trials[c].name);
  if (plan.trials.size() > kListed) text += fmt::format("          and {} more\n", plan.trials.size() - kListed);
  return text;
}

int jobs_done(const SweepPlan& plan) {
  int done = 0;
  for (const SweepJob& job : plan.jobs) {
    const fs::path folder = plan.folder_of(job);
    if (fs::exists(folder / kDoneFile)) done += held_result(folder, plan.planned(job).work.key) != Held::kNothing;
  }
  return done;
}

std::string describe_trainings(const SweepPlan& plan) {
  const Race::Most most = Race::most(plan.shape);
  const Trial& trial = plan.trials.front();
  const auto networks = static_cast<int>(trial.full.dataset->targets.units.size() * trial.full.config.models.size());
  const int all = most.briefs + most.first + most.others;
  std::string text = fmt::format("jobs      {} = ", all * networks);
  if (networks > 1) text += fmt::format("{} x (", counted(networks, "network"));
  if (!plan.shape.race) {
    text += fmt::format("{} x {}", counted(plan.shape.cells, "cell"), counted(plan.shape.folds, "fold"));
  } else {
    if (most.briefs > 0)
      text += fmt::format("{} short on fold {} ({} of {}) + ", most.briefs, plan.fold_order.front(),
                          trial.brief.config.train.epochs, counted(trial.full.config.train.epochs, "epoch"));
    text += fmt::format("{} full on fold {} + at most {} on the other folds", most.first, plan.fold_order.front(),
                        most.others);
  }
  if (networks > 1) text += ")";
  const int done = jobs_done(plan);
  return text + (done > 0 ? fmt::format("; {} done before\n", done) : "\n");
}

double images_of(const Run& run) {
  const auto rows = double(run.dataset->train.size());
  return (rows - rows / run.plan->k) * double(run.config.train.epochs);
}

// Seconds of one training image of a cell, for all its networks.
double seconds_per_image(const Run& run) {
  double seconds = 0;
  for (const PlannedJob& job : plan_fold(run, {0})) {
    const TrainContext context{.crops = run.dataset->crops,
                               .device = run.place.device,
                               .conv_plan = plan_of(run.conv_plans, job.work.model.id),
                               .resume_folder = {},
                               .progress = [](const TrainProgress&) {},
                               .stop_requested = [] { return false; }};
    const auto steps = double(steps_of_epoch(job.work.epoch_rows(), job.work.train, 0));
    seconds += measure_step(job.work, context) * steps / double(job.work.train_rows.size());
  }
  return seconds;
}

// Cells of one kind have steps of one length. Kinds that kMeasuring leaves no time for count as the longest.
std::string describe_time(const SweepPlan& plan) {
  const Clock::time_point start = Clock::now();
  std::map<std::string, double> by_kind;
  double longest = 0;
  std::vector<double> of_cell;
  for (const Trial& trial : plan.trials) {
    const Json config = to_json(trial.full.config);
    const Json& train = config["train"];
    const std::string kind =
        Json{config["models"], train["batch"], train["micro_batches"], train["optimizer"], train["precision"]}.dump();
    if (!by_kind.contains(kind) && (by_kind.empty() || seconds_since(start) < kMeasuring))
      by_kind[kind] = seconds_per_image(trial.full);
    const auto found = by_kind.find(kind);
    of_cell.push_back(found == by_kind.end() ? longest : found->second);
    longest = std::max(longest, of_cell.back());
  }
  const Race::Most most = Race::most(plan.shape);
  double briefs = 0, all = 0, full = 0;  // seconds of one rank; full: of the longest fold
  for (std::size_t c = 0; c < of_cell.size(); ++c) {
    briefs += of_cell[c] * images_of(plan.trials[c].brief);
    all += of_cell[c] * images_of(plan.trials[c].full);
    full = std::max(full, of_cell[c] * images_of(plan.trials[c].full));
  }
  double work = all * plan.shape.folds;
  if (plan.shape.race) work = (most.briefs > 0 ? briefs : 0) + full * (most.first + most.others);
  const int slots = plan.base().place.layout.slots;
  return fmt::format(
      "time      at most about {} of training on {} (a fold of the slowest cell: {}; from measured steps)\n",
      duration_text(work / slots), counted(slots, "slot"), duration_text(full));
}

std::string describe_needs(const SweepPlan& plan, const MemoryNeed& memory) {
  const SweepNeeds needs = needs_of(plan);
  const Run& run = plan.base();
  const auto free = free_space(plan.paths.root);
  return describe_rank_memory(run, memory.tensors) +
         fmt::format(
             "disk      {:.1f} MB of results are kept (sweep.keep: {}), up to {:.1f} MB while it runs, in {} ({} "
             "free)\n",
             needs.kept / 1e6, run.config.sweep.keep, needs.peak / 1e6, plan.paths.root.string(),
             free ? fmt::format("{:.1f} MB", double(*free) / 1e6) : "unknown");
}

}  // namespace

std::string describe_sweep(const SweepPlan& plan, const MemoryNeed& memory) {
  const Run& run = plan.base();
  std::vector<PlannedJob> jobs;
  for (int fold = 0; fold < 2; ++fold)  // two folds hold all rows that any fold trains on
    jobs.push_back(plan_job(run.dataset->taught, run.config, *run.dataset, *run.plan, run.files, {0, 0, {fold}}));
  return describe_experiment(run, jobs) + describe_cells(plan) + describe_trainings(plan) + describe_time(plan) +
         describe_needs(plan, memory) + "dry run: nothing was written\n";
}

}  // namespace pleat
