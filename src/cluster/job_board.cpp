#include "cluster/job_board.h"

#include "base/log.h"

namespace pleat {

JobBoard::Next JobBoard::next(int slot) {
  const std::lock_guard lock(mutex_);
  if (const auto job = queue_.next(slot)) return {Answer::kJob, *job};
  // A job that runs elsewhere may fail and come back to be tried again.
  return {queue_.settled() ? Answer::kNoMore : Answer::kWait};
}

void JobBoard::finish(int slot, int job, const std::vector<std::string>& result) {
  const std::lock_guard lock(mutex_);
  try {
    const LogContext none("");  // what rank 0 says of a job names it, whoever calls
    events_.finished(job, result);
    queue_.finish(slot, job);
  } catch (const Error& error) {  // a full disk, say: nothing that follows could be kept either
    queue_.put_back(slot, job);
    remember(error.code(), error.what());
  }
}

void JobBoard::fail(int slot, int job, ExitCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  const bool fatal = code == ExitCode::kData || code == ExitCode::kCluster || code == ExitCode::kUsage;
  if (fatal) {
    queue_.put_back(slot, job);
    remember(code, message);
  } else {
    queue_.fail(slot, job);
    const LogContext none("");
    events_.failed(job, message);
  }
}

void JobBoard::stopped(int slot, int job) {
  const std::lock_guard lock(mutex_);
  queue_.put_back(slot, job);
  remember(ExitCode::kStopped, "stopped on request; run the same command again to go on");
}

void JobBoard::progress(int job, const std::string& report) {
  const std::lock_guard lock(mutex_);
  const LogContext none("");
  events_.progressed(job, report);
}

void JobBoard::stop() {
  const std::lock_guard lock(mutex_);
  remember(ExitCode::kStopped, "stopped on request; run the same command again to go on");
}

void JobBoard::remember(ExitCode code, const std::string& message) {
  queue_.close();
  stopping_ = true;
  // An error outranks the stops that it caused; of several errors the first is the one to mend.
  if (!ended_by_ || (ended_by_->code() == ExitCode::kStopped && code != ExitCode::kStopped))
    ended_by_.emplace(code, message);
}

bool JobBoard::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool JobBoard::settled() const {
  const std::lock_guard lock(mutex_);
  return queue_.settled();
}

void JobBoard::rethrow() const {
  const std::lock_guard lock(mutex_);
  if (ended_by_) throw *ended_by_;
}

}  // namespace pleat
