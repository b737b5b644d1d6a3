#include "rounds/schedule.h"

#include <algorithm>

namespace pleat {
namespace {

std::vector<int> teachers_of(const Schedule& schedule, const std::vector<PlannedJob>& first, const ScheduledJob& job,
                             const RoundsConfig& rounds) {
  const bool any_job = rounds.stop != "never" && job.round > 1;
  const PlannedJob& mine = first[std::size_t(job.base)];
  std::vector<int> teachers;
  for (std::size_t i = 0; i < schedule.jobs.size(); ++i) {
    const ScheduledJob& other = schedule.jobs[i];
    if (other.round != job.round - 1) continue;
    const PlannedJob& its = first[std::size_t(other.base)];
    const bool teaches = its.unit == mine.unit && (its.fold == mine.fold || rounds.teacher == "shared");
    if (teaches || any_job) teachers.push_back(static_cast<int>(i));
  }
  return teachers;
}

}  // namespace

int Schedule::size_of(int round) const {
  return static_cast<int>(
      std::count_if(jobs.begin(), jobs.end(), [round](const ScheduledJob& job) { return job.round == round; }));
}

Schedule make_schedule(const std::vector<PlannedJob>& first, const RunConfig& config, const Dataset& dataset) {
  Schedule schedule;
  for (int round = 0; round < config.rounds.count; ++round) {
    const int parts = round == 0 ? 1 : static_cast<int>(config.rounds.parts);
    for (std::size_t base = 0; base < first.size(); ++base) {
      const PlannedJob& job = first[base];
      const std::string& unit = dataset.targets.units[std::size_t(job.unit)].name;
      for (int p = 0; p < parts; ++p) {
        ScheduledJob scheduled{.round = round, .base = static_cast<int>(base), .part = parts > 1 ? p : -1};
        scheduled.name = job_name(unit, job.work.model.id, job.fold, round, scheduled.part);
        schedule.waits_for.push_back(teachers_of(schedule, first, scheduled, config.rounds));
        schedule.jobs.push_back(std::move(scheduled));
      }
    }
  }
  return schedule;
}

}  // namespace pleat
