#include "sweep/sweep_state.h"

#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "run/finished_job.h"

namespace pleat {
namespace fs = std::filesystem;

TrialFolders::Place TrialFolders::place_of(const SweepJob& job) const {
  const SweepTask& task = plan_.tasks[std::size_t(job.task)];
  return {task.cell, task.brief};
}

void TrialFolders::begin(const SweepJob& job) {
  const Place place = place_of(job);
  Held& held = held_[place];
  if (!held.folder) {
    Trial& trial = plan_.trials[std::size_t(place.first)];
    Run& run = place.second ? trial.brief : trial.full;
    held.folder = take_folder(run);
    if (!trial.extended) record_run(run, *held.folder, session_);
    run.resumed = true;
  }
  ++held.running;
}

void TrialFolders::end(const SweepJob& job) {
  const auto held = held_.find(place_of(job));
  if (held != held_.end() && --held->second.running <= 0) held_.erase(held);
}

std::unique_ptr<RunFolder> TrialFolders::hold(int cell) const try {
  return take_folder(plan_.trials[std::size_t(cell)].full);
} catch (const Error& error) {
  spdlog::warn("{}", error.what());
  return nullptr;
}

void drop_cell_weights(const SweepPlan& plan, const SweepState& state, int cell) {
  const Run& run = plan.trials[std::size_t(cell)].full;
  if (!run.resumed) return;  // it has no folder
  const auto held = state.folders.hold(cell);
  if (!held) return;
  for (const SweepJob& job : plan.jobs) {
    const SweepTask& task = plan.tasks[std::size_t(job.task)];
    if (task.cell != cell || task.brief) continue;
    const fs::path folder = plan.folder_of(job);
    if (fs::exists(folder / kWeightsFile) && fs::exists(folder / kDoneFile)) drop_weights(folder);
  }
}

}  // namespace pleat
