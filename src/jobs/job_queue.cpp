#include "jobs/job_queue.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pleat {
namespace {
constexpr std::size_t kStates = std::size_t(JobState::kSkipped) + 1;
}

JobQueue::JobQueue(int jobs, int attempts) : JobQueue(JobDependencies(std::size_t(jobs)), attempts) {}

JobQueue::JobQueue(JobDependencies waits_for, int attempts)
    : jobs_(waits_for.size()), counts_(kStates), attempts_(attempts) {
  for (std::size_t job = 0; job < jobs_.size(); ++job) {
    for (const int before : waits_for[job]) {
      if (before < 0 || std::size_t(before) >= jobs_.size()) throw std::logic_error("a job waits for an unknown job");
      jobs_[std::size_t(before)].followers.push_back(static_cast<int>(job));
    }
    jobs_[job].open = static_cast<int>(waits_for[job].size());
    if (jobs_[job].open == 0) ready_.insert(static_cast<int>(job));
  }
  counts_[std::size_t(JobState::kPending)] = static_cast<int>(jobs_.size());
  require_no_cycle();
}

void JobQueue::require_no_cycle() const {
  std::vector<int> open(jobs_.size());  // prerequisites not yet visited
  for (std::size_t job = 0; job < jobs_.size(); ++job) open[job] = jobs_[job].open;
  std::vector<int> free(ready_.begin(), ready_.end());
  std::size_t visited = 0;
  for (; !free.empty(); ++visited) {
    const int job = free.back();
    free.pop_back();
    for (const int follower : jobs_[std::size_t(job)].followers) {
      if (--open[std::size_t(follower)] == 0) free.push_back(follower);
    }
  }
  if (visited < jobs_.size()) throw std::logic_error("jobs wait for each other in a cycle");
}

// Every change of a state goes through here, so that the ready jobs and the counts follow.
void JobQueue::move(int index, JobState to) {
  Job& job = jobs_.at(std::size_t(index));
  --counts_[std::size_t(job.state)];
  ++counts_[std::size_t(to)];
  job.state = to;
  if (to == JobState::kPending && job.open == 0 && !job.held)
    ready_.insert(index);
  else
    ready_.erase(index);
}

void JobQueue::mark_done(int index) {
  move(index, JobState::kDone);
  for (const int follower : jobs_[std::size_t(index)].followers) {
    Job& waiting = jobs_[std::size_t(follower)];
    if (--waiting.open == 0 && waiting.state == JobState::kPending && !waiting.held) ready_.insert(follower);
  }
}

void JobQueue::already_done(int job) { mark_done(job); }

void JobQueue::hold(int job) {
  jobs_.at(std::size_t(job)).held = true;
  ready_.erase(job);
}

void JobQueue::decide(const HeldJobs& decided) {
  const auto undecided = [this](int index) -> bool {
    const Job& job = jobs_.at(std::size_t(index));
    if (job.state != JobState::kPending) return false;
    if (!job.held) throw std::logic_error("the job is not held");
    return true;
  };
  for (const int index : decided.release) {
    if (!undecided(index)) continue;
    jobs_[std::size_t(index)].held = false;
    move(index, JobState::kPending);
  }
  for (const int index : decided.drop) {
    if (!undecided(index)) continue;
    for (const int follower : followers_of(index)) move(follower, JobState::kSkipped);
    move(index, JobState::kSkipped);
  }
}

std::optional<int> JobQueue::next(int slot) {
  if (job_on_.contains(slot)) throw std::logic_error("the slot already runs a job");
  if (closed_ || ready_.empty()) return std::nullopt;
  const int job = *ready_.begin();
  move(job, JobState::kRunning);
  job_on_[slot] = job;
  return job;
}

JobQueue::Job& JobQueue::running_on(int slot, int job) {
  const auto found = job_on_.find(slot);
  if (found == job_on_.end() || found->second != job) throw std::logic_error("the slot does not run this job");
  return jobs_[std::size_t(job)];
}

// The slot is free, and the job has this state.
void JobQueue::leave(int slot, int job, JobState to) {
  running_on(slot, job);
  job_on_.erase(slot);
  if (to == JobState::kDone)
    mark_done(job);
  else
    move(job, to);
}

void JobQueue::finish(int slot, int job) { leave(slot, job, JobState::kDone); }

void JobQueue::fail(int slot, int job) {
  Job& failed = running_on(slot, job);
  for (const int blocked : blocked_by(job)) move(blocked, JobState::kBlocked);
  leave(slot, job, ++failed.failures < attempts_ ? JobState::kPending : JobState::kFailed);
}

void JobQueue::put_back(int slot, int job) { leave(slot, job, JobState::kPending); }

void JobQueue::skip(int slot, int job) {
  running_on(slot, job);
  for (const int follower : followers_of(job)) move(follower, JobState::kSkipped);
  leave(slot, job, JobState::kSkipped);
}

std::vector<int> JobQueue::blocked_by(int job) const {
  if (jobs_.at(std::size_t(job)).failures + 1 < attempts_) return {};
  return followers_of(job);
}

// The pending jobs that wait for `job`, directly or through others; ascending.
std::vector<int> JobQueue::followers_of(int job) const {
  std::set<int> followers;
  std::vector<int> to_visit{job};
  while (!to_visit.empty()) {
    const int before = to_visit.back();
    to_visit.pop_back();
    for (const int follower : jobs_[std::size_t(before)].followers) {
      if (state(follower) == JobState::kPending && followers.insert(follower).second) to_visit.push_back(follower);
    }
  }
  return {followers.begin(), followers.end()};
}

std::vector<JobQueue::Running> JobQueue::running() const {
  std::vector<Running> all;
  for (const auto& [slot, job] : job_on_) all.push_back({job, slot});
  std::sort(all.begin(), all.end(), [](const Running& a, const Running& b) { return a.job < b.job; });
  return all;
}

std::vector<int> JobQueue::pending() const {
  std::vector<int> all;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].state == JobState::kPending) all.push_back(static_cast<int>(i));
  }
  return all;
}

// Every pending job waits, perhaps through others, for a ready or running job or for a decision: a failed job blocks
// those that wait for it.
bool JobQueue::settled() const { return job_on_.empty() && (closed_ || count(JobState::kPending) == 0); }

}  // namespace pleat
