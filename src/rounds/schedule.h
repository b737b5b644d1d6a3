// All jobs of a run, over all rounds, and which job waits for which.
#pragma once

#include <string>
#include <vector>

#include "jobs/job_queue.h"
#include "run/job_plan.h"

namespace pleat {

// Judges and trunks come before the first round.
inline constexpr int kJudgeRound = -1, kTrunkRound = -2;

struct ScheduledJob {
  int round = 0;
  int base = 0;    // index in the first round's jobs: the same unit, model and fold; of a judge or trunk, among these
  int part = -1;   // with rounds.parts: the part of the unlabelled rows whose pseudo-labels it is not taught
  int trunk = -1;  // index in the schedule of the trunk that it continues; -1: none
  std::string name;
};

/// All jobs of the first round, and what comes before it.
struct FirstJobs {
  const std::vector<PlannedJob>& jobs;
  const std::vector<PlannedJob>& judges;  // with train.labels: auto
  const std::vector<PlannedJob>& trunks;  // with folds.trunks
};

struct Schedule {
  std::vector<ScheduledJob> jobs;  // by round, judges and trunks first; those of a round in the order of the first's
  JobDependencies waits_for;
};

/// With judges, a job of the first round waits for those of its fold; with trunks, for the one that it continues. A
/// student waits for its teachers: the jobs of the
/// round before with its unit and fold, with teacher: shared with any fold. From the third round on it also waits for
/// the whole round before, unless rounds.stop is never: that round decides whether there is a next one.
Schedule make_schedule(const FirstJobs& first, const RunConfig& config, const Dataset& dataset);

}  // namespace pleat
