// All rounds of a run up to the first job, the same on every rank.
#pragma once

#include "rounds/label_rows.h"
#include "rounds/schedule.h"
#include "run/run_setup.h"

namespace pleat {

struct RoundsPlan {
  Round first;
  LabelRows label_rows;            // empty for a run of one round
  std::vector<PlannedJob> judges;  // with train.labels: auto
  std::vector<PlannedJob> trunks;  // with folds.trunks
  Schedule schedule;

  /// The first round's job with the same unit, model and fold, before judges edit its labels; of a judge or trunk,
  /// itself.
  const PlannedJob& base_of(const ScheduledJob& job) const {
    const auto index = static_cast<std::size_t>(job.base);
    if (job.round == kJudgeRound) return judges[index];
    return job.round == kTrunkRound ? trunks[index] : first.jobs[index];
  }
};

/// Collective. Throws: as plan_first_round and choose_label_rows, on all ranks.
RoundsPlan plan_rounds(const Run& run, const MpiSession& session);

}  // namespace pleat
