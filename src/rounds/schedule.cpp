#include "rounds/schedule.h"

#include <algorithm>

#include "rounds/judges.h"

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

void add_judges(const std::vector<PlannedJob>& judges, Schedule& schedule) {
  for (std::size_t j = 0; j < judges.size(); ++j) {
    schedule.jobs.push_back({.round = kJudgeRound, .base = static_cast<int>(j), .name = judges[j].name});
    schedule.waits_for.emplace_back();
  }
}

// Judges have the first places.
std::vector<int> judges_of(const std::vector<PlannedJob>& judges, const PlannedJob& job) {
  std::vector<int> mine;
  for (std::size_t j = 0; j < judges.size(); ++j)
    if (judges_for(judges[j], job.unit, job.fold)) mine.push_back(static_cast<int>(j));
  return mine;
}

}  // namespace

Schedule make_schedule(const std::vector<PlannedJob>& first, const RunConfig& config, const Dataset& dataset,
                       const std::vector<PlannedJob>& judges) {
  Schedule schedule;
  add_judges(judges, schedule);
  for (int round = 0; round < config.rounds.count; ++round) {
    const int parts = round == 0 ? 1 : static_cast<int>(config.rounds.parts);
    for (std::size_t base = 0; base < first.size(); ++base) {
      const PlannedJob& job = first[base];
      const std::string& unit = dataset.targets.units[std::size_t(job.unit)].name;
      for (int p = 0; p < parts; ++p) {
        ScheduledJob scheduled{.round = round, .base = static_cast<int>(base), .part = parts > 1 ? p : -1};
        scheduled.name = job_name(unit, job.work.model.id, job.fold, round, scheduled.part);
        schedule.waits_for.push_back(round == 0 ? judges_of(judges, job)
                                                : teachers_of(schedule, first, scheduled, config.rounds));
        schedule.jobs.push_back(std::move(scheduled));
      }
    }
  }
  return schedule;
}

}  // namespace pleat
