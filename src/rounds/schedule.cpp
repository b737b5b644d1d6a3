#include "rounds/schedule.h"

#include <algorithm>
#include <map>

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

// Adds trunks. Returns each one's place in the schedule, by its key.
std::map<std::string, int> add_trunks(const std::vector<PlannedJob>& trunks, Schedule& schedule) {
  std::map<std::string, int> places;
  for (std::size_t t = 0; t < trunks.size(); ++t) {
    const std::string& parent = trunks[t].work.shared.trunk;
    ScheduledJob job{.round = kTrunkRound, .base = static_cast<int>(t), .name = trunks[t].name};
    if (!parent.empty()) job.trunk = places.at(parent);
    places.emplace(trunks[t].work.key, static_cast<int>(schedule.jobs.size()));
    schedule.waits_for.push_back(job.trunk < 0 ? std::vector<int>() : std::vector{job.trunk});
    schedule.jobs.push_back(std::move(job));
  }
  return places;
}

}  // namespace

Schedule make_schedule(const FirstJobs& planned, const RunConfig& config, const Dataset& dataset) {
  Schedule schedule;
  const std::vector<PlannedJob>& first = planned.jobs;
  add_judges(planned.judges, schedule);
  const std::map<std::string, int> trunks = add_trunks(planned.trunks, schedule);
  for (int round = 0; round < config.rounds.count; ++round) {
    const int parts = round == 0 ? 1 : static_cast<int>(config.rounds.parts);
    for (std::size_t base = 0; base < first.size(); ++base) {
      const PlannedJob& job = first[base];
      const std::string& unit = dataset.targets.units[std::size_t(job.unit)].name;
      for (int p = 0; p < parts; ++p) {
        ScheduledJob scheduled{.round = round, .base = static_cast<int>(base), .part = parts > 1 ? p : -1};
        scheduled.name = job_name(unit, job.work.model.id, job.fold, round, scheduled.part);
        schedule.waits_for.push_back(round == 0 ? judges_of(planned.judges, job)
                                                : teachers_of(schedule, first, scheduled, config.rounds));
        if (round == 0 && !job.work.shared.trunk.empty()) {
          scheduled.trunk = trunks.at(job.work.shared.trunk);
          schedule.waits_for.back().push_back(scheduled.trunk);
        }
        schedule.jobs.push_back(std::move(scheduled));
      }
    }
  }
  return schedule;
}

}  // namespace pleat
