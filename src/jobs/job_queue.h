// Decides which job runs on which slot. A pure state machine: no clock, no MPI, no files.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace pleat {

/// kPending: not started; it may wait for other jobs or for a decision (hold). kBlocked: never runs, since a job that
/// it waits for failed. kSkipped: never runs, since its result is not wanted.
enum class JobState { kPending, kRunning, kDone, kFailed, kBlocked, kSkipped };

/// The jobs that each job waits for: waits_for[job], each of them < the number of jobs.
using JobDependencies = std::vector<std::vector<int>>;

/// Decisions about held jobs.
struct HeldJobs {
  std::vector<int> release, drop;
};

/// Time per event: logarithmic in the number of jobs, plus the jobs that wait for the job.
class JobQueue {
 public:
  /// `jobs` jobs that wait for none. A job that fails is tried `attempts` times in all.
  explicit JobQueue(int jobs, int attempts = 1);

  /// A job runs once all jobs that it waits for are done: a student after its teachers, a branch after its trunk.
  /// Throws std::logic_error for an unknown job or a cycle.
  explicit JobQueue(JobDependencies waits_for, int attempts = 1);

  /// Before the first next(): the job's result exists already.
  void already_done(int job);

  /// Before the first next(): the job waits for a decision, too. Every held job needs one in the end, or the queue
  /// never settles.
  void hold(int job);
  /// The held jobs to release may run; those to drop, and the jobs that wait for them, are kSkipped. Ignores jobs that
  /// are not pending. Throws std::logic_error for a job that is not held.
  void decide(const HeldJobs& decided);

  /// Hands out the lowest ready job, now running on `slot`. Returns none if no job is ready or the queue is closed.
  /// Throws std::logic_error if the slot already runs one.
  std::optional<int> next(int slot);

  /// The job that `slot` runs has ended. Throws std::logic_error if the slot does not run it.
  void finish(int slot, int job);
  /// After the last attempt the job is kFailed, and blocked_by(job) are kBlocked.
  void fail(int slot, int job);
  /// The job was stopped on request; a later run does it.
  void put_back(int slot, int job);
  /// The job's result is not wanted: it and the jobs that wait for it, directly or through others, are kSkipped.
  void skip(int slot, int job);

  /// Hands out no further job; running jobs may end.
  void close() { closed_ = true; }

  /// The jobs that would be blocked if `job` failed now for the last time, ascending; none if it may be tried again.
  std::vector<int> blocked_by(int job) const;

  struct Running {
    int job, slot;
  };
  /// By job.
  std::vector<Running> running() const;

  /// Ascending. Without dependencies and held jobs this is the order in which next() hands them out.
  std::vector<int> pending() const;

  /// True once no job runs and none will be handed out.
  bool settled() const;
  JobState state(int job) const { return jobs_.at(std::size_t(job)).state; }
  int count(JobState state) const { return counts_[std::size_t(state)]; }

 private:
  struct Job {
    std::vector<int> followers;  // the jobs that wait for it
    int open = 0;                // the jobs that it waits for and that are not done
    bool held = false;
    JobState state = JobState::kPending;
    int failures = 0;
  };
  Job& running_on(int slot, int job);
  void move(int job, JobState to);
  void mark_done(int job);
  void leave(int slot, int job, JobState to);
  std::vector<int> followers_of(int job) const;
  void require_no_cycle() const;

  std::vector<Job> jobs_;
  std::set<int> ready_;        // pending, not held, and waiting for none
  std::map<int, int> job_on_;  // by slot
  std::vector<int> counts_;    // by state
  int attempts_;
  bool closed_ = false;
};

}  // namespace pleat
