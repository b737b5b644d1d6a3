// Rank 0's side of the job queue: what the slots say, turned into queue events, results kept and errors remembered.
// Safe from the coordinator's thread and rank 0's own slot at once.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "jobs/job_queue.h"

namespace pleat {

/// What rank 0 does with what it is told; called one at a time.
struct JobEvents {
  /// The job's result, in parts as the slot made them. It counts as done once this returns. An error of kSomeFailed, or
  /// one that is not pleat's own, is this job's; any other ends the run.
  std::function<void(int job, const std::vector<std::string>& result)> finished;
  std::function<void(int job, const std::string& message)> failed;
  std::function<void(int job, const std::string& report)> progressed;
  /// This process was told to end (SIGTERM) while these jobs ran; a SIGKILL may follow within a second. May be empty.
  std::function<void(const std::vector<JobQueue::Running>& running)> told_to_end = {};
};

class JobBoard {
 public:
  JobBoard(JobQueue& queue, JobEvents events) : events_(std::move(events)), queue_(queue) {}

  enum class Answer { kJob, kWait, kNoMore };
  struct Next {
    Answer answer;
    int job = -1;
  };
  Next next(int slot);

  void finish(int slot, int job, const std::vector<std::string>& result);
  /// An error in data, cluster or usage would strike every job: it ends the run. Any other is this job's own.
  void fail(int slot, int job, ExitCode code, const std::string& message);
  void stopped(int slot, int job);
  void progress(int job, const std::string& report);
  void told_to_end();

  /// True once a stop or a fatal error has closed the queue: what runs should save its place. Asked before every step,
  /// so it never waits for a result that is being written.
  bool stopping() const { return stopping_; }
  /// What ended the run early, if anything did: the first fatal error, or StopRequested.
  std::optional<Error> verdict() const;

 private:
  void ended_by(ExitCode code, const std::string& message);

  std::mutex events_mutex_;  // held while an event is at work, which may write and sync files; taken before mutex_
  JobEvents events_;

  mutable std::mutex mutex_;  // of what follows; held for moments only
  JobQueue& queue_;
  std::optional<Error> ended_by_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace pleat
