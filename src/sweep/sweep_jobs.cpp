#include "sweep/sweep_jobs.h"

#include <algorithm>
#include <numeric>

#include "base/log.h"
#include "base/wording.h"
#include "cluster/slot.h"
#include "run/epoch_file.h"
#include "run/finished_job.h"
#include "run/job_work.h"
#include "run/run_progress.h"
#include "sweep/referee.h"
#include "sweep/sweep_needs.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// The work of a slot on the jobs of a queue, which are indices in plan.jobs.
JobWork slot_work(const SweepPlan& plan, const std::vector<int>& jobs, const Slot& slot, JobSource* source) {
  return [&plan, &jobs, &slot, source](int index, const std::string&) {
    const SweepJob& job = plan.jobs[std::size_t(jobs[std::size_t(index)])];
    return train_job(plan.run_of(job), plan.planned(job), slot, {index, source, job.name});
  };
}

std::vector<JobSize> sizes_of(const SweepPlan& plan, const std::vector<int>& jobs) {
  std::vector<JobSize> sizes;
  for (const int job : jobs) sizes.push_back(size_of_job(plan, plan.jobs[std::size_t(job)]));
  return sizes;
}

// Keeps results and failures on rank 0, and logs progress. `jobs`: those of the queue, indices in plan.jobs.
class Keeper {
 public:
  Keeper(SweepPlan& plan, const std::vector<int>& jobs, const MpiSession& session, SweepState& state)
      : plan_(plan),
        jobs_(jobs),
        session_(session),
        state_(state),
        progress_(sizes_of(plan, jobs), plan.base().config.score, plan.base().place.layout.slots) {}

  JobEvents events() {
    return {
        .finished = [this](int index, const std::string& result) { keep(index, from_bytes<FinishedJob>(result)); },
        .failed = [this](int index, const std::string& message) { fail(index, message); },
        .progressed = [this](int index, const std::string& report) { hear(index, from_bytes<TrainProgress>(report)); },
        .terminating =
            [this](const std::vector<JobQueue::Running>& running) {
              report_running(
                  running, plan_.base().place.layout, session_.hosts(), plan_.command,
                  [this](int index) { return job_of(index).name; },
                  [this](int index) { return progress_.place_of(index); });
            },
        .starting =
            [this](int index, int slot) {
              state_.folders.begin(job_of(index));
              progress_.began(index, leader_text(plan_.base().place.layout, session_.hosts(), slot));
              return JobStart{};
            }};
  }
  RunProgress& progress() { return progress_; }

 private:
  const SweepJob& job_of(int index) const { return plan_.jobs[std::size_t(jobs_[std::size_t(index)])]; }

  void hear(int index, const TrainProgress& report) {
    const SweepJob& job = job_of(index);
    if (report.step == report.steps) record_epoch(plan_.run_of(job).folder_of(plan_.planned(job)), report.epoch);
    progress_.heard(index, report);
  }

  // The weights of a short schedule are never used.
  void keep(int index, FinishedJob finished) {
    const SweepJob& job = job_of(index);
    const Run& run = plan_.run_of(job);
    if (plan_.tasks[std::size_t(job.task)].brief || run.config.sweep.keep == "scores") finished.weights.clear();
    remove_results();
    progress_.finished(index, keep_result(run, plan_.planned(job), finished, Owner::kSweep));
    state_.folders.end(job);
    ++state_.done_now;
  }

  void fail(int index, const std::string& message) {
    spdlog::error("{} failed: {}", job_of(index).name, message);
    state_.failures[jobs_[std::size_t(index)]] = message;
    state_.folders.end(job_of(index));
    progress_.failed(index);
  }

  // The result of an earlier start does not hold for more trainings.
  void remove_results() {
    if (std::exchange(removed_, true)) return;
    std::error_code ignored;
    for (const fs::path& file : {plan_.paths.best(), plan_.paths.table()}) fs::remove(file, ignored);
  }

  SweepPlan& plan_;
  const std::vector<int>& jobs_;
  const MpiSession& session_;
  SweepState& state_;
  RunProgress progress_;
  bool removed_ = false;
};

void log_start(const SweepPlan& plan, const SweepState& state) {
  const Run& run = plan.base();
  const RankLayout& layout = run.place.layout;
  const Race::Most most = Race::most(plan.shape);
  std::string trainings = fmt::format("{} trainings of a fold", most.first + most.others);
  if (plan.shape.race)
    trainings = fmt::format("at most {} short and {} full trainings of a fold", most.briefs, most.first + most.others);
  spdlog::info("{}, {}: {}, {} done before, on {} of {} with {} each ({}, {})", counted(plan.shape.cells, "cell"),
               counted(plan.shape.folds, "fold"), trainings, counted(state.done_before, "job"),
               counted(layout.slots, "slot"), counted(layout.shards, "rank"), counted(run.place.mine.threads, "thread"),
               run.place.device_name(), run.config.train.precision);
}

// The jobs with the full schedule of these cells that are held without weights.
std::vector<int> jobs_without_weights(const SweepPlan& plan, const std::vector<int>& cells) {
  std::vector<int> lacking;
  for (int job = 0; job < static_cast<int>(plan.jobs.size()); ++job) {
    const SweepJob& each = plan.jobs[std::size_t(job)];
    const SweepTask& task = plan.tasks[std::size_t(each.task)];
    if (task.brief || std::find(cells.begin(), cells.end(), task.cell) == cells.end()) continue;
    const fs::path folder = plan.folder_of(each);
    if (!fs::exists(folder / kDoneFile)) continue;
    if (held_result(folder, plan.planned(each).work.key) == Held::kScores) lacking.push_back(job);
  }
  return lacking;
}

}  // namespace

std::optional<Error> run_race(SweepPlan& plan, const MpiSession& session, SweepState* state) {
  const Run& run = plan.base();
  const Slot slot(session, run.place.layout, run.place.device);
  std::vector<int> jobs(plan.jobs.size());
  std::iota(jobs.begin(), jobs.end(), 0);
  JobQueue queue(static_cast<int>(jobs.size()));
  std::optional<Keeper> keeper;
  std::optional<Referee> referee;
  JobEvents events;
  on_rank_0(session.ranks(), [&] {
    keeper.emplace(plan, jobs, session, *state);
    referee.emplace(plan, *state, keeper->progress());
    referee->begin(queue);
    if (!queue.settled()) check_space(plan, needs_of(plan));
    log_start(plan, *state);
    events = keeper->events();
    events.finished = [&, keep = events.finished](int job, const std::string& result) {
      keep(job, result);
      referee->ended(job, true);
    };
    events.failed = [&, fail = events.failed](int job, const std::string& message) {
      fail(job, message);
      referee->ended(job, false);
    };
    events.decide = [&] { return referee->decide(); };
  });
  return run_jobs(session, run.place.layout, slot, queue, events,
                  [&](JobSource* source) { return slot_work(plan, jobs, slot, source); });
}

std::optional<Error> restore_weights(SweepPlan& plan, const MpiSession& session, const std::vector<int>& cells,
                                     SweepState* state) {
  const auto jobs = broadcast<std::vector<int>>(session.ranks(), [&] { return jobs_without_weights(plan, cells); });
  if (jobs.empty()) return std::nullopt;
  if (session.rank() == 0)
    spdlog::info("{} whose weights are wanted were trained without keeping them; training them again",
                 counted(std::int64_t(jobs.size()), "network"));
  const Run& run = plan.base();
  const Slot slot(session, run.place.layout, run.place.device);
  JobQueue queue(static_cast<int>(jobs.size()));
  std::optional<Keeper> keeper;
  JobEvents events;
  on_rank_0(session.ranks(), [&] {
    keeper.emplace(plan, jobs, session, *state);
    events = keeper->events();
  });
  return run_jobs(session, run.place.layout, slot, queue, events,
                  [&](JobSource* source) { return slot_work(plan, jobs, slot, source); });
}

}  // namespace pleat
