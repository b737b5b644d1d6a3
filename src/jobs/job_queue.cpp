#include "jobs/job_queue.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pleat {

JobQueue::JobQueue(int jobs, int attempts) : JobQueue(JobDependencies(std::size_t(jobs)), attempts) {}

JobQueue::JobQueue(JobDependencies waits_for, int attempts) : attempts_(attempts) {
  for (std::vector<int>& each : waits_for) jobs_.push_back({.waits_for = std::move(each)});
  require_no_cycle();
}

void JobQueue::require_no_cycle() const {
  std::vector<std::vector<int>> followers(jobs_.size());
  std::vector<std::size_t> open(jobs_.size());  // prerequisites not yet visited
  std::vector<int> free;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    for (const int before : jobs_[i].waits_for) {
      if (before < 0 || std::size_t(before) >= jobs_.size()) throw std::logic_error("a job waits for an unknown job");
      followers[std::size_t(before)].push_back(static_cast<int>(i));
    }
    open[i] = jobs_[i].waits_for.size();
    if (open[i] == 0) free.push_back(static_cast<int>(i));
  }
  std::size_t visited = 0;
  for (; !free.empty(); ++visited) {
    const int job = free.back();
    free.pop_back();
    for (const int follower : followers[std::size_t(job)]) {
      if (--open[std::size_t(follower)] == 0) free.push_back(follower);
    }
  }
  if (visited < jobs_.size()) throw std::logic_error("jobs wait for each other in a cycle");
}

void JobQueue::already_done(int job) { jobs_.at(std::size_t(job)).state = JobState::kDone; }

bool JobQueue::ready(const Job& job) const {
  return job.state == JobState::kPending && std::all_of(job.waits_for.begin(), job.waits_for.end(), [this](int before) {
           return state(before) == JobState::kDone;
         });
}

std::optional<int> JobQueue::next(int slot) {
  for (const Job& job : jobs_) {
    if (job.state == JobState::kRunning && job.slot == slot) throw std::logic_error("the slot already runs a job");
  }
  if (closed_) return std::nullopt;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (!ready(jobs_[i])) continue;
    jobs_[i].state = JobState::kRunning;
    jobs_[i].slot = slot;
    return static_cast<int>(i);
  }
  return std::nullopt;
}

JobQueue::Job& JobQueue::running_on(int slot, int job) {
  Job& found = jobs_.at(std::size_t(job));
  if (found.state != JobState::kRunning || found.slot != slot) throw std::logic_error("the slot does not run this job");
  return found;
}

void JobQueue::finish(int slot, int job) {
  Job& finished = running_on(slot, job);
  finished.state = JobState::kDone;
  finished.slot = -1;
}

void JobQueue::fail(int slot, int job) {
  Job& failed = running_on(slot, job);
  for (const int blocked : blocked_by(job)) jobs_[std::size_t(blocked)].state = JobState::kBlocked;
  failed.slot = -1;
  failed.state = ++failed.failures < attempts_ ? JobState::kPending : JobState::kFailed;
}

void JobQueue::put_back(int slot, int job) {
  Job& stopped = running_on(slot, job);
  stopped.state = JobState::kPending;
  stopped.slot = -1;
}

void JobQueue::skip(int slot, int job) {
  Job& skipped = running_on(slot, job);
  skipped.state = JobState::kSkipped;
  skipped.slot = -1;
  for (const int follower : followers_of(job)) jobs_[std::size_t(follower)].state = JobState::kSkipped;
}

std::vector<int> JobQueue::blocked_by(int job) const {
  if (jobs_.at(std::size_t(job)).failures + 1 < attempts_) return {};
  return followers_of(job);
}

// The pending jobs that wait for `job`, directly or through others; ascending.
std::vector<int> JobQueue::followers_of(int job) const {
  std::vector<bool> lost(jobs_.size());
  lost[std::size_t(job)] = true;
  std::vector<int> followers;
  for (bool grew = true; grew;) {  // once is not enough: a job may wait for one with a higher number
    grew = false;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const std::vector<int>& before = jobs_[i].waits_for;
      if (lost[i] || jobs_[i].state != JobState::kPending) continue;
      if (std::none_of(before.begin(), before.end(), [&](int each) { return lost[std::size_t(each)]; })) continue;
      lost[i] = grew = true;
      followers.push_back(static_cast<int>(i));
    }
  }
  std::sort(followers.begin(), followers.end());
  return followers;
}

std::vector<JobQueue::Running> JobQueue::running() const {
  std::vector<Running> all;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].state == JobState::kRunning) all.push_back({static_cast<int>(i), jobs_[i].slot});
  }
  return all;
}

std::vector<int> JobQueue::pending() const {
  std::vector<int> all;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].state == JobState::kPending) all.push_back(static_cast<int>(i));
  }
  return all;
}

// Every pending job waits, perhaps through others, for a ready or running one: a failed job blocks those that wait for
// it.
bool JobQueue::settled() const { return count(JobState::kRunning) == 0 && (closed_ || count(JobState::kPending) == 0); }

int JobQueue::count(JobState state) const {
  return static_cast<int>(
      std::count_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.state == state; }));
}

}  // namespace pleat
