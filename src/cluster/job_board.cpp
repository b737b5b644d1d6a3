#include "cluster/job_board.h"

#include "base/log.h"
#include "cluster/failure.h"

namespace pleat {
namespace {

bool ends_the_run(ExitCode code) {
  return code == ExitCode::kData || code == ExitCode::kCluster || code == ExitCode::kUsage;
}

}  // namespace

JobBoard::Next JobBoard::next(int slot) {
  for (;;) {
    std::optional<int> job;
    {
      const std::lock_guard lock(mutex_);
      job = queue_.next(slot);
      // Pending jobs may wait for running ones, and a running job may fail and be tried again.
      if (!job) return {queue_.settled() ? Answer::kNoMore : Answer::kWait};
    }
    std::optional<JobStart> found = start(slot, *job);
    if (!found) continue;
    if (found->kind == JobStart::Kind::kRun) return {Answer::kJob, *job, std::move(found->brief)};
    {
      const std::lock_guard lock(mutex_);
      if (found->kind == JobStart::Kind::kDone)
        queue_.finish(slot, *job);
      else
        queue_.skip(slot, *job);
    }
    decide();
  }
}

// Returns none if the job has failed before it began.
std::optional<JobStart> JobBoard::start(int slot, int job) {
  if (!events_.starting) return JobStart{};
  std::optional<Error> error;
  try {
    const std::lock_guard one_at_a_time(events_mutex_);
    const LogContext none("");
    return events_.starting(job, slot);
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::exception& failure) {
    error.emplace(ExitCode::kSomeFailed, message_of(failure));
  }
  fail(slot, job, error->code(), error->what());
  return std::nullopt;
}

void JobBoard::finish(int slot, int job, const std::string& result) {
  std::optional<Error> error;
  try {
    const std::lock_guard one_at_a_time(events_mutex_);
    const LogContext none("");  // rank 0's own lines name the job themselves
    events_.finished(job, result);
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::exception& failure) {
    error.emplace(ExitCode::kSomeFailed, message_of(failure));
  }
  if (error) return fail(slot, job, error->code(), error->what());
  {
    const std::lock_guard lock(mutex_);
    queue_.finish(slot, job);
  }
  decide();
}

// Between a job's end and the decisions that it makes, held jobs keep the queue from settling.
void JobBoard::decide() {
  if (!events_.decide) return;
  std::optional<Error> error;
  try {
    const std::lock_guard one_at_a_time(events_mutex_);
    const LogContext none("");
    const HeldJobs decided = events_.decide();
    const std::lock_guard lock(mutex_);
    return queue_.decide(decided);
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::exception& failure) {
    error.emplace(ExitCode::kData, message_of(failure));
  }
  const std::lock_guard lock(mutex_);
  ended_by(error->code(), error->what());  // without a decision, held jobs would wait for ever
}

void JobBoard::fail(int slot, int job, ExitCode code, const std::string& message) {
  if (ends_the_run(code)) {  // a full disk, say: later results could not be kept either
    const std::lock_guard lock(mutex_);
    queue_.put_back(slot, job);
    return ended_by(code, message);
  }
  report_failure(slot, job, message);
  decide();
}

void JobBoard::report_failure(int slot, int job, const std::string& message) {
  // Held to the end, so that two failures at once do not both report a job that waits for both.
  const std::lock_guard one_at_a_time(events_mutex_);
  const LogContext none("");
  std::vector<int> blocked;
  {
    const std::lock_guard lock(mutex_);
    blocked = queue_.blocked_by(job);
  }
  events_.failed(job, message);
  for (const int waiting : blocked) events_.failed(waiting, "not started: a job that it waits for has failed");
  // The queue learns of it last: the run may end as soon as no job runs, and must have heard of the failure by then.
  const std::lock_guard lock(mutex_);
  queue_.fail(slot, job);
}

void JobBoard::stopped(int slot, int job) {
  const std::lock_guard lock(mutex_);
  queue_.put_back(slot, job);
  ended_by(ExitCode::kStopped, "stopped on request; run the same command again to resume");
}

void JobBoard::progress(int job, const std::string& report) {
  const std::lock_guard one_at_a_time(events_mutex_);
  const LogContext none("");
  events_.progressed(job, report);
}

void JobBoard::terminating() {
  if (!events_.terminating) return;
  const std::lock_guard one_at_a_time(events_mutex_);
  std::vector<JobQueue::Running> running;
  {
    const std::lock_guard lock(mutex_);
    running = queue_.running();
  }
  events_.terminating(running);
}

void JobBoard::ended_by(ExitCode code, const std::string& message) {
  queue_.close();
  stopping_ = true;
  // An error outranks the stops that it caused; of several errors the first is the one to mend.
  if (!ended_by_ || (ended_by_->code() == ExitCode::kStopped && code != ExitCode::kStopped))
    ended_by_.emplace(code, message);
}

std::optional<Error> JobBoard::verdict() const {
  const std::lock_guard lock(mutex_);
  return ended_by_;
}

}  // namespace pleat
