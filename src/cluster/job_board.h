// Rank 0's side of the job queue: turns the slots' messages into queue events, keeps results and remembers errors.
// Thread-safe: the coordinator's thread and rank 0's own slot call it at once.
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

/// The answer to a job that is about to be handed out.
struct JobStart {
  enum class Kind { kRun, kDone, kSkip };
  Kind kind = Kind::kRun;
  std::string brief = {};  // with kRun: bytes for the slot, whose type the caller of run_jobs knows
};

/// Callbacks on rank 0, called one at a time.
struct JobEvents {
  /// Keeps the job's result, the bytes that its JobWork returned; the job is done once this returns. If it throws
  /// kSomeFailed or a foreign exception, the job has failed. Any other error ends the run.
  std::function<void(int job, const std::string& result)> finished;
  /// An attempt at the job failed, or a job that it waits for has failed for good.
  std::function<void(int job, const std::string& message)> failed;
  std::function<void(int job, const std::string& report)> progressed;
  /// SIGTERM arrived while these jobs ran; SIGKILL may follow within a second. May be empty.
  std::function<void(const std::vector<JobQueue::Running>& running)> terminating = {};
  /// All jobs that this job waits for are done, and a slot is free for it. kDone: its result exists already; kSkip: its
  /// result is not wanted any more. If it throws, the job has failed, as in `finished`. May be empty: every job runs,
  /// with an empty brief.
  std::function<JobStart(int job, int slot)> starting = {};
  /// A job is done, or has failed for good. Returns the decisions about held jobs that its result makes. May be empty.
  /// An error ends the run.
  std::function<HeldJobs()> decide = {};
};

class JobBoard {
 public:
  JobBoard(JobQueue& queue, JobEvents events) : events_(std::move(events)), queue_(queue) {}

  enum class Answer { kJob, kWait, kNoMore };
  struct Next {
    Answer answer;
    int job = -1;
    std::string brief = {};
  };
  /// Takes the next job that has to run; jobs that are done or skipped (JobEvents::starting) are passed over.
  Next next(int slot);

  void finish(int slot, int job, const std::string& result);
  /// An error in data, cluster or usage would hit every job, so it ends the run. Any other is this job's alone.
  void fail(int slot, int job, ExitCode code, const std::string& message);
  void stopped(int slot, int job);
  void progress(int job, const std::string& report);
  void terminating();

  /// True once a stop or a fatal error has closed the queue; running jobs should save their place. Never waits for a
  /// result that is being written: it is called before every step.
  bool stopping() const { return stopping_; }
  /// The error that ended the run early: the first fatal one, or StopRequested. None if the run was not cut short.
  std::optional<Error> verdict() const;

 private:
  std::optional<JobStart> start(int slot, int job);
  void decide();
  void report_failure(int slot, int job, const std::string& message);
  void ended_by(ExitCode code, const std::string& message);

  std::mutex events_mutex_;  // held during a callback, which may write and sync files; taken before mutex_
  JobEvents events_;

  mutable std::mutex mutex_;  // guards the members below; held briefly
  JobQueue& queue_;
  std::optional<Error> ended_by_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace pleat
