// Feeds the race with the ends of jobs, and the job queue with the race's decisions. On rank 0.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "jobs/job_queue.h"
#include "run/run_progress.h"
#include "sweep/sweep_state.h"

namespace pleat {

class Referee {
 public:
  Referee(const SweepPlan& plan, SweepState& state, RunProgress& progress);

  /// Marks the jobs that the folders hold as done, and holds back those that are not decided yet.
  ///   queue: of plan.jobs
  void begin(JobQueue& queue);
  /// A job is done, or has failed for good.
  void ended(int job, bool well);
  /// The decisions that the ended jobs make. Frees the weights that nobody wants any more.
  HeldJobs decide();

 private:
  void leaves(const SweepTask& task);
  void free_beaten(int cell);

  const SweepPlan& plan_;
  SweepState& state_;
  RunProgress& progress_;
  std::map<SweepTask, std::size_t> task_;  // index in plan.tasks
  std::vector<std::vector<int>> jobs_;     // by task
  std::vector<int> open_;                  // by task: its jobs that have not ended
  std::vector<bool> reported_;             // by task: the race knows its end
  std::set<int> done_before_;              // jobs
  std::set<int> left_;                     // cells that are out of the race
  std::map<int, int> folds_done_;          // by cell
  std::vector<int> complete_;              // cells that have become complete since the last decision
  int best_ = -1;                          // of the complete cells
  double best_score_ = 0;
};

/// The training images of a job: of one fold with its schedule.
JobSize size_of_job(const SweepPlan& plan, const SweepJob& job);

}  // namespace pleat
