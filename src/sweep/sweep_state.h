// A sweep on rank 0: its folders, scores, race and failures.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/mpi_session.h"
#include "run/run_folder.h"
#include "sweep/cell_scores.h"
#include "sweep/race.h"
#include "sweep/sweep_plan.h"

namespace pleat {

/// The trials' folders. One is held, and so locked, while a job of it runs; a sweep of thousands of cells would
/// otherwise run out of open files.
class TrialFolders {
 public:
  TrialFolders(SweepPlan& plan, const MpiSession& session) : plan_(plan), session_(session) {}
  /// A job begins: locks its run folder, and records the run there the first time. Throws: as take_folder.
  void begin(const SweepJob& job);
  /// A job that began has ended.
  void end(const SweepJob& job);
  /// Locks the folder of the cell's full run. Null, with a warning, if another pleat holds it.
  std::unique_ptr<RunFolder> hold(int cell) const;

 private:
  using Place = std::pair<int, bool>;  // cell, and whether it is the short schedule
  struct Held {
    std::unique_ptr<RunFolder> folder;
    int running = 0;  // jobs
  };
  Place place_of(const SweepJob& job) const;

  SweepPlan& plan_;
  const MpiSession& session_;
  std::map<Place, Held> held_;
};

struct SweepState {
  SweepState(SweepPlan& plan, const MpiSession& session)
      : scores(plan), race(plan.shape, scores), folders(plan, session) {}

  CellScores scores;
  Race race;
  TrialFolders folders;
  std::map<int, std::string> failures;  // reason by job
  int done_before = 0, done_now = 0;    // jobs
};

/// Removes the weights of the cell's networks with the full schedule, as far as this or an earlier sweep has made them.
/// No-op while another pleat holds the folder.
void drop_cell_weights(const SweepPlan& plan, const SweepState& state, int cell);

}  // namespace pleat
