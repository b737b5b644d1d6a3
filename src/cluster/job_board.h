// Rank 0's side of the job queue: what the slots say, turned into queue events, results kept and errors remembered.
// Safe from the coordinator's thread and rank 0's own slot at once.
#pragma once

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
  /// The job's result, in parts as the slot made them. It counts as done once this returns.
  std::function<void(int job, const std::vector<std::string>& result)> finished;
  std::function<void(int job, const std::string& message)> failed;
  std::function<void(int job, const std::string& report)> progressed;
};

class JobBoard {
 public:
  JobBoard(JobQueue& queue, JobEvents events) : queue_(queue), events_(std::move(events)) {}

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

  /// Ends the handing out of jobs, and asks the slots to save and stop.
  void stop();
  bool stopping() const;
  bool settled() const;
  /// Throws what ended the run early, if anything did: the first fatal error, or StopRequested.
  void rethrow() const;

 private:
  void remember(ExitCode code, const std::string& message);

  mutable std::mutex mutex_;
  JobQueue& queue_;
  JobEvents events_;
  bool stopping_ = false;
  std::optional<Error> ended_by_;
};

}  // namespace pleat
