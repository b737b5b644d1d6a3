#include "jobs/job_queue.h"

#include <algorithm>
#include <stdexcept>

namespace pleat {

JobQueue::JobQueue(int jobs, int attempts) : jobs_(std::size_t(jobs)), attempts_(attempts) {}

void JobQueue::already_done(int job) { jobs_.at(std::size_t(job)).state = JobState::kDone; }

std::optional<int> JobQueue::next(int slot) {
  for (const Job& job : jobs_) {
    if (job.state == JobState::kRunning && job.slot == slot) throw std::logic_error("the slot already runs a job");
  }
  if (closed_) return std::nullopt;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].state != JobState::kPending) continue;
    jobs_[i].state = JobState::kRunning;
    jobs_[i].slot = slot;
    return static_cast<int>(i);
  }
  return std::nullopt;
}

JobQueue::Job& JobQueue::running_on(int slot, int job) {
  Job& found = jobs_.at(std::size_t(job));
  if (found.state != JobState::kRunning || found.slot != slot) throw std::logic_error("the slot does not run this job");
  found.slot = -1;
  return found;
}

void JobQueue::finish(int slot, int job) { running_on(slot, job).state = JobState::kDone; }

void JobQueue::fail(int slot, int job) {
  Job& failed = running_on(slot, job);
  failed.state = ++failed.failures < attempts_ ? JobState::kPending : JobState::kFailed;
}

void JobQueue::put_back(int slot, int job) { running_on(slot, job).state = JobState::kPending; }

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

bool JobQueue::settled() const { return count(JobState::kRunning) == 0 && (closed_ || count(JobState::kPending) == 0); }

int JobQueue::count(JobState state) const {
  return static_cast<int>(
      std::count_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.state == state; }));
}

}  // namespace pleat
