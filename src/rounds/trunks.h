// folds.trunks: trainings that the networks of several folds continue (folds/trunk_plan).
#pragma once

#include <string>
#include <vector>

#include "rounds/schedule.h"
#include "run/run_setup.h"

namespace pleat {

/// The trunks of each unit and model, parents first; none without folds.trunks. The first round's jobs that continue
/// one get their SharedEpochs, and keys that follow from them.
std::vector<PlannedJob> plan_trunk_jobs(const Run& run, Round& first);

/// What the trunks are and what they save, in a line; empty without folds.trunks.
std::string describe_trunks(const Run& run, const std::vector<PlannedJob>& trunks);

/// Frees each trunk's state, several times as large as its weights, once no job waits for it any more.
class TrunkStates {
 public:
  TrunkStates(const Run& run, const std::vector<PlannedJob>& trunks, const Schedule& schedule);

  /// Bytes of the state that the job continues. Requires: its trunk is done. Throws: DataError.
  std::string state_for(int job) const;
  /// The job's result is kept. Throws: DataError if a state cannot be removed.
  void done(int job);
  /// True if all jobs that wait for the trunk are done.
  bool spent(int trunk) const { return waiting_.at(static_cast<std::size_t>(trunk)) == 0; }

 private:
  const Run& run_;
  const std::vector<PlannedJob>& trunks_;
  const Schedule& schedule_;
  std::vector<int> waiting_;  // by job of the schedule: jobs that wait for it as their trunk
};

}  // namespace pleat
