#include "run/dry_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include "base/files.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "run/finished_job.h"
#include "train/epoch_cut.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kListed = 30;  // jobs, or classes of a target, that are listed one by one

std::string describe_data(const RunConfig& config, const Dataset& dataset) {
  const ImageShape& shape = dataset.crops.shape();
  return fmt::format("data      {} ({} rows, {}x{}x{}): {} train, {} unlabelled, {} test rows take part\n",
                     config.data.crops, dataset.crops.rows(), shape.height, shape.width, shape.channels,
                     dataset.train.size(), dataset.unlabelled.size(), dataset.test.size());
}

// All rows in folds: a row that one fold holds out is a training row of the others.
std::set<std::int64_t> rows_of_folds(const std::vector<PlannedJob>& jobs) {
  std::set<std::int64_t> rows;
  for (const PlannedJob& job : jobs) {
    if (job.unit != 0 || job.model != 0) continue;
    rows.insert(job.work.train_rows.begin(), job.work.train_rows.end());
    rows.insert(job.work.inner_rows.begin(), job.work.inner_rows.end());
  }
  return rows;
}

std::string describe_groups(const RunConfig& config, const Dataset& dataset, const std::set<std::int64_t>& rows) {
  if (config.data.group.empty()) return "";
  std::set<std::string_view> groups;
  for (const std::int64_t row : rows) groups.insert(dataset.group(row));
  return fmt::format("groups    {} in column {} (data.group) of the training rows\n", groups.size(), config.data.group);
}

std::string describe_target(const Target& target, const std::vector<std::int64_t>& labels,
                            const std::set<std::int64_t>& rows, const std::vector<std::int64_t>& test) {
  std::vector<std::size_t> counts(target.classes.size());
  for (const std::int64_t row : rows) ++counts[std::size_t(labels[std::size_t(row)])];
  std::vector<std::string> classes;
  for (std::size_t c = 0; c < std::min(kListed, counts.size()); ++c)
    classes.push_back(fmt::format("{} ({})", shown(target.classes[c]), counts[c]));
  if (counts.size() > kListed) classes.push_back(fmt::format("and {} more", counts.size() - kListed));
  const auto labelled =
      std::count_if(test.begin(), test.end(), [&](std::int64_t row) { return labels[std::size_t(row)] >= 0; });
  std::string taught;
  if (target.bins > 0) taught = fmt::format(" trained as {} bins", target.bins);
  if (target.regress) taught = " trained as a number";
  return fmt::format("target    {}: {}{} in {}: {}; {}, {} of them labelled\n", target.name,
                     counted(target.size(), "class"), taught, counted(std::int64_t(rows.size()), "training row"),
                     fmt::join(classes, ", "), counted(std::int64_t(test.size()), "test row"), labelled);
}

std::string describe_slots(const RunConfig& config, const ComputePlace& place) {
  const RankLayout& layout = place.layout;
  return fmt::format("slots     {} of {} on {}, {} each, {}, {}\n", counted(layout.slots, "slot"),
                     counted(layout.shards, "rank"), counted(layout.world_size, "rank"),
                     counted(place.mine.threads, "thread"), place.device_name(), config.train.precision);
}

// Returns, by job, whether the run folder holds its whole result.
std::vector<bool> jobs_done(const Run& run, const Round& round) {
  std::vector<bool> done;
  for (const PlannedJob& job : round.jobs) done.push_back(is_done(run.folder_of(job), job.work.key));
  return done;
}

std::string describe_jobs(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                          const std::vector<bool>& done, int slots) {
  const auto before = static_cast<std::size_t>(std::count(done.begin(), done.end(), true));
  const std::size_t to_do = jobs.size() - before, at_once = static_cast<std::size_t>(slots);
  const auto units = std::int64_t(dataset.targets.units.size()), models = std::int64_t(config.models.size());
  std::string text =
      fmt::format("jobs      {} = {} x {} x {}; {} done before, ", jobs.size(), counted(units, "network"),
                  counted(models, "model"), counted(std::int64_t(jobs.size()) / units / models, "fold"), before);
  text += to_do == 0 ? "nothing left to do\n"
                     : fmt::format("at most {} at once, {}\n", std::min(to_do, at_once),
                                   counted(std::int64_t((to_do + at_once - 1) / at_once), "wave"));
  for (std::size_t i = 0; i < std::min(kListed, jobs.size()); ++i) {
    const FoldJob& work = jobs[i].work;
    text += fmt::format("          {}: {}, {} held out, {} an epoch, key {}{}\n", jobs[i].name,
                        counted(std::int64_t(work.train_rows.size()), "training row"), jobs[i].held_out_rows,
                        counted(steps_of_epoch(work.epoch_rows(), work.train, 0), "step"), work.key.substr(0, 12),
                        done[i] ? ", done" : "");
  }
  if (jobs.size() > kListed) text += fmt::format("          and {} more\n", jobs.size() - kListed);
  return text;
}

// The students of later rounds, per job of the first.
std::int64_t students_per_job(const RoundsConfig& rounds) { return (rounds.count - 1) * rounds.parts; }

std::string describe_rounds(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs) {
  const RoundsConfig& rounds = config.rounds;
  if (rounds.count == 1) return "";
  const auto to_label = std::int64_t(dataset.unlabelled.size() + (rounds.use_test ? dataset.test.size() : 0));
  const auto students = students_per_job(rounds) * std::int64_t(jobs.size());
  return fmt::format("rounds    {} more{}: {}, each for {} on the rows above and up to {}; teacher: {}\n",
                     rounds.count - 1, rounds.stop == "never" ? "" : " at most", counted(students, "student"),
                     counted(rounds.epochs > 0 ? rounds.epochs : config.train.epochs, "epoch"),
                     counted(to_label - to_label / rounds.parts * (rounds.parts > 1), "pseudo-labelled row"),
                     rounds.teacher);
}

std::string describe_judges(const std::vector<PlannedJob>& judges) {
  if (judges.empty()) return "";
  return fmt::format("judges    {} before these jobs, each on {} (train.labels: auto)\n",
                     counted(std::int64_t(judges.size()), "network"),
                     counted(std::int64_t(judges.front().work.train_rows.size()), "training row"));
}

struct Needs {
  double peak = 0;                     // bytes of a rank in host memory, for the largest job
  std::optional<MemoryNeed> to_do;     // the largest job that is not done
  double results = 0, checkpoint = 0;  // bytes on disk, of all jobs and of one
};

// Measures only the first fold of each model and unit: others differ only in their rows.
std::string describe_memory(const Run& run, const std::vector<PlannedJob>& jobs, Needs& needs) {
  const RunConfig& config = run.config;
  const Dataset& dataset = *run.dataset;
  std::set<std::pair<int, int>> to_do;
  for (const PlannedJob* job : kinds_to_do(run, jobs)) to_do.emplace(job->unit, job->model);
  std::string text;
  for (const PlannedJob& job : jobs) {
    if (job.fold.value != 0) continue;
    const MemoryEstimate memory =
        estimate_memory(job.work, dataset.crops.shape(), images_of_step(job.work, pseudo_rows_at_most(run)));
    const auto networks =
        static_cast<double>(config.folds.k * config.folds.repeats * (1 + students_per_job(config.rounds)));
    text += fmt::format(
        "memory    {} for {}: weights {}, with gradients and optimizer {}, peak of a step {}, of predicting {}, copy "
        "for a checkpoint {}\n",
        config.models[std::size_t(job.model)].id, dataset.targets.units[std::size_t(job.unit)].name,
        memory_text(double(memory.weights)), memory_text(double(memory.state)), memory_text(double(memory.peak)),
        memory_text(double(memory.predicting)), memory_text(double(memory.checkpoint)));
    const double predictions = static_cast<double>(job.work.predict_rows.size()) * (8.0 + 4.0 * job.work.outputs());
    MemoryNeed need = need_of(run, job, memory);
    needs.peak = std::max(needs.peak, need.tensors);
    const bool is_left = to_do.contains({job.unit, job.model});
    if (is_left && (!needs.to_do || need.tensors > needs.to_do->tensors)) needs.to_do = std::move(need);
    needs.results += networks * (static_cast<double>(memory.weights) + predictions);
    needs.checkpoint =
        std::max(needs.checkpoint, 2.0 * static_cast<double>(memory.checkpoint));  // a job keeps the newest two
  }
  return text;
}

std::string describe_disk(const fs::path& folder, const Needs& needs, int slots) {
  const auto free = free_space(folder);
  return fmt::format("disk      about {} of results and {} of checkpoints in {} ({} free)\n",
                     memory_text(needs.results), memory_text(needs.checkpoint * slots), folder.string(),
                     free ? memory_text(static_cast<double>(*free)) : "unknown");
}

}  // namespace

std::string describe_experiment(const Run& run, const std::vector<PlannedJob>& jobs) {
  const Dataset& dataset = *run.dataset;
  const std::set<std::int64_t> rows = rows_of_folds(jobs);
  std::string text = describe_data(run.config, dataset) + describe_groups(run.config, dataset, rows);
  for (std::size_t t = 0; t < dataset.targets.targets.size(); ++t)
    text += describe_target(dataset.targets.targets[t], dataset.labels[t].classes, rows, dataset.test);
  return text + describe_slots(run.config, run.place);
}

std::string describe_rank_memory(const Run& run, double tensors) {
  const int local = run.place.mine.local_size;
  const CropFile& file = run.dataset->crops;
  const double crops = static_cast<double>(file.rows() * file.shape().bytes());
  const double free = free_for_a_rank(run.place.free, 1);
  return fmt::format("memory    about {} a rank, {} on this host's {}{}, and {} of crops shared in the page cache\n",
                     memory_text(tensors + kLibraryBytes), memory_text((tensors + kLibraryBytes) * local),
                     counted(local, "rank"), std::isinf(free) ? "" : fmt::format(" ({} free)", memory_text(free)),
                     memory_text(crops));
}

DryRun describe_dry_run(const Run& run, const Round& round, const std::vector<PlannedJob>& judges,
                        const std::string& trunks) {
  const Dataset& dataset = *run.dataset;
  const int slots = run.place.layout.slots;
  Needs needs;
  std::string text = describe_experiment(run, round.jobs);
  text += describe_jobs(run.config, dataset, round.jobs, jobs_done(run, round), slots);
  text += describe_judges(judges);
  text += trunks;
  text += describe_rounds(run.config, dataset, round.jobs);
  text += describe_memory(run, round.jobs, needs);
  text += describe_rank_memory(run, needs.peak);
  text += describe_disk(run.paths.root, needs, slots);
  return {text + "dry run: nothing was written\n", needs.to_do};
}

}  // namespace pleat
