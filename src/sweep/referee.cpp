#include "sweep/referee.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/wording.h"
#include "run/finished_job.h"

namespace pleat {
namespace fs = std::filesystem;

JobSize size_of_job(const SweepPlan& plan, const SweepJob& job) {
  const Run& run = plan.run_of(job);
  const auto rows = static_cast<std::int64_t>(run.dataset->train.size());
  return {job.name, rows - rows / run.plan->k, run.config.train.epochs};
}

Referee::Referee(const SweepPlan& plan, SweepState& state, RunProgress& progress)
    : plan_(plan),
      state_(state),
      progress_(progress),
      jobs_(plan.tasks.size()),
      open_(plan.tasks.size()),
      reported_(plan.tasks.size()) {
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) task_[plan.tasks[t]] = t;
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    const auto task = static_cast<std::size_t>(plan.jobs[j].task);
    jobs_[task].push_back(static_cast<int>(j));
    ++open_[task];
  }
}

void Referee::begin(JobQueue& queue) {
  for (std::size_t t = 0; t < plan_.tasks.size(); ++t) {
    if (plan_.tasks[t].brief) continue;
    for (const int job : jobs_[t]) {
      queue.hold(job);
      progress_.skipped(job);
    }
  }
  for (int job = 0; job < static_cast<int>(plan_.jobs.size()); ++job) {
    const SweepJob& each = plan_.jobs[std::size_t(job)];
    const fs::path folder = plan_.folder_of(each);
    if (!fs::exists(folder / kDoneFile)) continue;
    if (held_result(folder, plan_.planned(each).work.key) == Held::kNothing) continue;
    queue.already_done(job);
    done_before_.insert(job);
    if (plan_.tasks[std::size_t(each.task)].brief) progress_.already_done(job);
    ended(job, true);
  }
  state_.done_before = static_cast<int>(done_before_.size());
  queue.decide(decide());
}

void Referee::ended(int job, bool well) {
  const auto task = static_cast<std::size_t>(plan_.jobs[std::size_t(job)].task);
  --open_[task];
  if (reported_[task] || (well && open_[task] > 0)) return;
  reported_[task] = true;
  const SweepTask& ended = plan_.tasks[task];
  if (!well) return state_.race.failed(ended);
  state_.race.done(ended);
  if (!ended.brief && ++folds_done_[ended.cell] == plan_.shape.folds) complete_.push_back(ended.cell);
}

HeldJobs Referee::decide() {
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
    leaves(task);
  }
  const JobSize size = size_of_job(plan_, plan_.jobs.back());
  const auto jobs_a_task = static_cast<std::int64_t>(jobs_.back().size());
  progress_.expect(state_.race.undecided() * jobs_a_task * size.rows * size.epochs);
  for (const int cell : complete_) free_beaten(cell);
  complete_.clear();
  return held;
}

// A cell that leaves the race keeps its scores.
void Referee::leaves(const SweepTask& task) {
  if (!left_.insert(task.cell).second) return;
  const Trial& trial = plan_.trial_of(task);
  spdlog::info("{} leaves the race {}", trial.name,
               task.place == 0 ? "after the short schedule" : fmt::format("after {}", counted(task.place, "fold")));
  // A cell that an earlier start has completed may still be the best one.
  if (trial.full.config.sweep.keep == "best" && folds_done_[task.cell] < plan_.shape.folds)
    drop_cell_weights(plan_, state_, task.cell);
  state_.scores.forget(task.cell);
}

// In a full grid, a complete cell that is not the best so far loses its weights, so that the disk needs to hold few.
void Referee::free_beaten(int cell) {
  const Run& run = plan_.trials[std::size_t(cell)].full;
  if (plan_.shape.race || plan_.collect || run.config.sweep.keep != "best") return;
  const double score = state_.scores.score(cell, plan_.shape.folds);
  state_.scores.forget(cell);
  if (best_ < 0 || score > best_score_ || (score == best_score_ && cell < best_)) {
    std::swap(best_, cell);
    best_score_ = score;
  }
  if (cell >= 0) drop_cell_weights(plan_, state_, cell);
}

}  // namespace pleat
