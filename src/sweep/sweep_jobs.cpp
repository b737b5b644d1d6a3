#include "sweep/sweep_jobs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/log.h"
#include "base/wording.h"
#include "cluster/slot.h"
#include "run/finished_job.h"
#include "run/job_work.h"
#include "run/run_progress.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

// Training images of a task's jobs: of one fold with that schedule.
JobSize size_of_job(const SweepPlan& plan, const SweepJob& job) {
  const Run& run = plan.run_of(job);
  const auto rows = static_cast<std::int64_t>(run.dataset->train.size());
  const int k = run.plan->k;
  return {job.name, rows - rows / k, run.config.train.epochs};
}

// The work of a slot on one of these jobs, indices in plan.jobs.
JobWork slot_work(const SweepPlan& plan, const std::vector<int>& jobs, const Slot& slot, JobSource* source) {
  return [&plan, &jobs, &slot, source](int index, const std::string&) {
    const SweepJob& job = plan.jobs[std::size_t(jobs[std::size_t(index)])];
    return train_job(plan.run_of(job), plan.planned(job), slot, {index, source, job.name});
  };
}

// What both phases do on rank 0: results, failures, progress. `jobs`: those of the queue, indices in plan.jobs.
class Keeper {
 public:
  Keeper(SweepPlan& plan, const std::vector<int>& jobs, const MpiSession& session, SweepState& state)
      : plan_(plan),
        jobs_(jobs),
        session_(session),
        state_(state),
        progress_(sizes(), plan.trials.front().full.config.score, plan.trials.front().full.place.layout.slots) {}

  JobEvents events() {
    return {
        .finished = [this](int index, const std::string& result) { keep(index, from_bytes<FinishedJob>(result)); },
        .failed =
            [this](int index, const std::string& message) {
              const int job = jobs_[std::size_t(index)];
              spdlog::error("{} failed: {}", plan_.jobs[std::size_t(job)].name, message);
              state_.failures.emplace_back(job, message);
            },
        .progressed = [this](int index,
                             const std::string& report) { progress_.heard(index, from_bytes<TrainProgress>(report)); },
        .terminating = [this](const std::vector<JobQueue::Running>& running) { say_what_ran(running); },
        .starting =
            [this](int index) {
              state_.folders.begin(job_of(index));
              return JobStart{};
            }};
  }
  RunProgress& progress() { return progress_; }
  const SweepJob& job_of(int index) const { return plan_.jobs[std::size_t(jobs_[std::size_t(index)])]; }

 private:
  std::vector<JobSize> sizes() const {
    std::vector<JobSize> sizes;
    for (const int job : jobs_) sizes.push_back(size_of_job(plan_, plan_.jobs[std::size_t(job)]));
    return sizes;
  }

  // A short schedule's weights are never used.
  void keep(int index, FinishedJob finished) {
    const SweepJob& job = job_of(index);
    const Run& run = plan_.run_of(job);
    if (plan_.tasks[std::size_t(job.task)].brief || run.config.sweep.keep == "scores") finished.weights.clear();
    progress_.finished(index, keep_result(run, plan_.planned(job), finished));
    ++state_.done_now;
  }

  // A lost rank cannot report its job, and rank 0 cannot know which rank was lost: this lists the job of every rank.
  void say_what_ran(const std::vector<JobQueue::Running>& running) const {
    spdlog::warn("received SIGTERM (a lost rank, Ctrl-C under mpirun, a time limit) while {} ran:",
                 counted(std::int64_t(running.size()), "job"));
    const RankLayout& layout = plan_.trials.front().full.place.layout;
    for (const auto& [index, slot] : running) {
      const int leader = layout.leader(slot);
      spdlog::warn("{} was on rank {} (host {}), {}", job_of(index).name, leader, session_.hosts()[std::size_t(leader)],
                   progress_.place_of(index));
    }
    spdlog::warn("resume with: {}", plan_.command);
    spdlog::default_logger()->flush();
  }

  SweepPlan& plan_;
  const std::vector<int>& jobs_;
  const MpiSession& session_;
  SweepState& state_;
  RunProgress progress_;
};

// Feeds the race with the jobs' ends, and the queue with the race's decisions.
class Referee {
 public:
  Referee(const SweepPlan& plan, SweepState& state, RunProgress& progress)
      : plan_(plan), state_(state), progress_(progress), open_(plan.tasks.size()), reported_(plan.tasks.size()) {
    jobs_.resize(plan.tasks.size());
    for (std::size_t t = 0; t < plan.tasks.size(); ++t) task_[plan.tasks[t]] = t;
    for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
      jobs_[std::size_t(plan.jobs[j].task)].push_back(static_cast<int>(j));
      ++open_[std::size_t(plan.jobs[j].task)];
    }
  }

  // Marks the jobs that the folders hold and holds back those that are not decided yet.
  void begin(JobQueue& queue) {
    for (std::size_t t = 0; t < plan_.tasks.size(); ++t) {
      if (plan_.tasks[t].brief) continue;
      for (const int job : jobs_[t]) {
        queue.hold(job);
        progress_.skipped(job);
      }
    }
    for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
      const SweepJob& job = plan_.jobs[j];
      const fs::path folder = plan_.folder_of(job);
      if (!fs::exists(folder / kDoneFile) || held_result(folder, plan_.planned(job).work.key) == Held::kNothing)
        continue;
      queue.already_done(static_cast<int>(j));
      done_before_.insert(static_cast<int>(j));
      if (plan_.tasks[std::size_t(job.task)].brief) progress_.already_done(static_cast<int>(j));
      ended(static_cast<int>(j), true);
    }
    state_.done_before = static_cast<int>(done_before_.size());
    queue.decide(decide());
  }

  void ended(int job, bool well) {
    const auto task = static_cast<std::size_t>(plan_.jobs[std::size_t(job)].task);
    --open_[task];
    if (!well && !reported_[task]) {
      reported_[task] = true;
      state_.race.failed(plan_.tasks[task]);
    } else if (open_[task] == 0 && !reported_[task]) {
      reported_[task] = true;
      state_.race.done(plan_.tasks[task]);
      free_beaten(plan_.tasks[task].cell);
    }
  }

  HeldJobs decide() {
    HeldJobs held;
    const Race::Decided decided = state_.race.decide();
    for (const SweepTask& task : decided.wanted) {
      for (const int job : jobs_[task_.at(task)]) {
        held.release.push_back(job);
        progress_.starts(job, size_of_job(plan_, plan_.jobs[std::size_t(job)]).rows);
        if (done_before_.contains(job)) progress_.already_done(job);
      }
    }
    for (const SweepTask& task : decided.unwanted) {
      for (const int job : jobs_[task_.at(task)]) held.drop.push_back(job);
      drop(task);
    }
    const JobSize size = size_of_job(plan_, plan_.jobs.back());
    progress_.expect(state_.race.undecided() * size.rows * size.epochs);
    return held;
  }

 private:
  // A cell that leaves the race keeps its scores.
  void drop(const SweepTask& task) {
    const Trial& trial = plan_.trial_of(task);
    const bool first = dropped_.insert(task.cell).second;
    if (!first) return;
    spdlog::info("{} leaves the race {}", trial.name,
                 task.place == 0 ? "after the short schedule" : fmt::format("after {}", counted(task.place, "fold")));
    if (trial.full.config.sweep.keep == "best") drop_cell_weights(plan_, task.cell);
    state_.scores.forget(task.cell);
  }

  // In a full grid, a complete cell that is not the best so far loses its weights, so that the disk needs to hold few.
  void free_beaten(int cell) {
    const Run& run = plan_.trials[std::size_t(cell)].full;
    if (plan_.shape.race || plan_.collect || run.config.sweep.keep != "best") return;
    if (++folds_done_[cell] < plan_.shape.folds) return;
    const double score = state_.scores.score(cell, plan_.shape.folds);
    state_.scores.forget(cell);
    if (best_ < 0 || score > best_score_ || (score == best_score_ && cell < best_)) {
      std::swap(best_, cell);
      best_score_ = score;
    }
    if (cell >= 0) drop_cell_weights(plan_, cell);
  }

  const SweepPlan& plan_;
  SweepState& state_;
  RunProgress& progress_;
  std::map<int, int> folds_done_;  // by cell
  int best_ = -1;                  // of the complete cells
  double best_score_ = 0;
  std::map<SweepTask, std::size_t> task_;  // index in plan.tasks
  std::vector<std::vector<int>> jobs_;     // by task
  std::vector<int> open_;                  // by task: its jobs that have not ended
  std::vector<bool> reported_;             // by task: the race knows its end
  std::set<int> done_before_;              // jobs
  std::set<int> dropped_;                  // cells
};

void log_start(const SweepPlan& plan, const SweepState& state) {
  const Run& run = plan.trials.front().full;
  const RankLayout& layout = run.place.layout;
  const Race::Most most = Race::most(plan.shape);
  spdlog::info(
      "{}, {}: at most {} short and {} full trainings of a fold, {} done before, on {} of {} with {} each ({}, {})",
      counted(plan.shape.cells, "cell"), counted(plan.shape.folds, "fold"), most.briefs, most.first + most.others,
      counted(state.done_before, "job"), counted(layout.slots, "slot"), counted(layout.shards, "rank"),
      counted(run.place.mine.threads, "thread"), run.place.device_name(), run.config.train.precision);
}

std::vector<int> all_jobs(const SweepPlan& plan) {
  std::vector<int> all(plan.jobs.size());
  for (std::size_t j = 0; j < all.size(); ++j) all[j] = static_cast<int>(j);
  return all;
}

}  // namespace

void TrialFolders::begin(const SweepJob& job) {
  const SweepTask& task = plan_.tasks[std::size_t(job.task)];
  std::unique_ptr<RunFolder>& held = held_[{task.cell, task.brief}];
  if (held) return;
  Trial& trial = plan_.trials[std::size_t(task.cell)];
  Run& run = task.brief ? trial.brief : trial.full;
  held = take_folder(run);
  record_run(run, *held, session_);
}

std::optional<Error> run_race(SweepPlan& plan, const MpiSession& session, SweepState* state) {
  const Run& run = plan.trials.front().full;
  const Slot slot(session, run.place.layout, run.place.device);
  const std::vector<int> jobs = all_jobs(plan);
  JobQueue queue(static_cast<int>(jobs.size()));
  std::optional<Keeper> keeper;
  std::optional<Referee> referee;
  JobEvents events;
  on_rank_0(session.ranks(), [&] {
    keeper.emplace(plan, jobs, session, *state);
    referee.emplace(plan, *state, keeper->progress());
    referee->begin(queue);
    log_start(plan, *state);
    events = keeper->events();
    const auto keep = events.finished;
    events.finished = [&, keep](int job, const std::string& result) {
      keep(job, result);
      referee->ended(job, true);
    };
    const auto fail = events.failed;
    events.failed = [&, fail](int job, const std::string& message) {
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
  const auto jobs = broadcast<std::vector<int>>(session.ranks(), [&] {
    std::vector<int> lacking;
    for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
      const SweepTask& task = plan.tasks[std::size_t(plan.jobs[j].task)];
      if (task.brief || std::find(cells.begin(), cells.end(), task.cell) == cells.end()) continue;
      const std::string key = plan.planned(plan.jobs[j]).work.key;
      if (held_result(plan.folder_of(plan.jobs[j]), key) == Held::kScores) lacking.push_back(static_cast<int>(j));
    }
    return lacking;
  });
  if (jobs.empty()) return std::nullopt;
  if (session.rank() == 0)
    spdlog::info("{} of the cells whose weights are to be kept had been trained without keeping them; training again",
                 counted(std::int64_t(jobs.size()), "network"));
  const Run& run = plan.trials.front().full;
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

void drop_cell_weights(const SweepPlan& plan, int cell) {
  for (const SweepJob& job : plan.jobs) {
    const SweepTask& task = plan.tasks[std::size_t(job.task)];
    if (task.cell != cell || task.brief) continue;
    const fs::path folder = plan.folder_of(job);
    if (fs::exists(folder / kDoneFile)) drop_weights(folder);
  }
}

}  // namespace pleat
