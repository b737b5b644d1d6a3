// Runs the jobs of a sweep on all slots, and keeps their results on rank 0.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cluster/mpi_session.h"
#include "run/run_folder.h"
#include "sweep/cell_scores.h"
#include "sweep/race.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// Rank 0's hold on the folders of the trials that it has written to.
class TrialFolders {
 public:
  TrialFolders(SweepPlan& plan, const MpiSession& session) : plan_(plan), session_(session) {}
  /// Locks and records the job's run folder, the first time.
  void begin(const SweepJob& job);

 private:
  SweepPlan& plan_;
  const MpiSession& session_;
  std::map<std::pair<int, bool>, std::unique_ptr<RunFolder>> held_;  // by cell, and whether it is the short schedule
};

/// Rank 0's view of a sweep.
struct SweepState {
  SweepState(SweepPlan& plan, const MpiSession& session)
      : scores(plan), race(plan.shape, scores), folders(plan, session) {}

  CellScores scores;
  Race race;
  TrialFolders folders;
  std::vector<std::pair<int, std::string>> failures;  // job and reason
  int done_before = 0, done_now = 0;                  // jobs
};

/// Collective. Runs the jobs that the race wants, until it is over.
///   state: on rank 0; null on the others
/// Returns, on rank 0, the error that ended the sweep early.
std::optional<Error> run_race(SweepPlan& plan, const MpiSession& session, SweepState* state);

/// Collective. Trains those jobs again whose weights are wanted but were not kept. No-op if there are none.
///   cells: on rank 0, those whose weights are wanted
std::optional<Error> restore_weights(SweepPlan& plan, const MpiSession& session, const std::vector<int>& cells,
                                     SweepState* state);

/// Removes the weights of the cell's networks with the full schedule.
void drop_cell_weights(const SweepPlan& plan, int cell);

}  // namespace pleat
