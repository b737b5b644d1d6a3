// Which job runs where: a pure state machine, told of events and asked for the next job. No clock, no MPI, no files.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pleat {

enum class JobState { kPending, kRunning, kDone, kFailed };

class JobQueue {
 public:
  /// `jobs` jobs, all pending, served in order. A job that fails is tried `attempts` times in all.
  explicit JobQueue(int jobs, int attempts = 1);

  /// Before the start: the job's result is there already.
  void already_done(int job);

  /// The lowest pending job, now running on `slot`; none if nothing is pending or the queue is closed.
  /// Throws std::logic_error if the slot already runs one.
  std::optional<int> next(int slot);

  /// The job that `slot` runs has ended. Throws std::logic_error if the slot does not run it.
  void finish(int slot, int job);
  void fail(int slot, int job);
  /// It was stopped on request, and stays to be done by a later run.
  void put_back(int slot, int job);

  /// Hands out nothing more; what runs may end.
  void close() { closed_ = true; }

  /// What runs where, by job.
  struct Running {
    int job, slot;
  };
  std::vector<Running> running() const;

  /// What waits, in the order in which it will be handed out.
  std::vector<int> pending() const;

  /// True when no job will be handed out any more and none is running.
  bool settled() const;
  JobState state(int job) const { return jobs_.at(std::size_t(job)).state; }
  int count(JobState state) const;

 private:
  struct Job {
    JobState state = JobState::kPending;
    int slot = -1;
    int failures = 0;
  };
  Job& running_on(int slot, int job);

  std::vector<Job> jobs_;
  int attempts_;
  bool closed_ = false;
};

}  // namespace pleat
