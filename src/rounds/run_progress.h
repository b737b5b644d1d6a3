// Rank 0's word on how a round goes on: a line per report of a job, with the whole's share done and time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rounds/job_plan.h"

namespace pleat {

class RunProgress {
 public:
  RunProgress(const std::vector<PlannedJob>& jobs, int slots);

  void already_done(int job);
  /// `report`: JSON of an EpochReport with `step` and `steps` of its epoch.
  void heard(int job, const std::string& report);
  void finished(int job, const std::string& score);
  /// "in epoch 2 of 4", by the job's last report.
  std::string place_of(int job) const;

  std::int64_t trained_images() const;  // in this run, over all jobs
  double seconds() const;               // since construction

 private:
  std::string remaining() const;

  const std::vector<PlannedJob>& jobs_;
  int slots_;
  std::chrono::steady_clock::time_point start_;
  std::vector<std::int64_t> total_, done_, done_before_;  // images per job; done_before_: by an earlier run
  std::vector<bool> heard_;
  std::vector<std::int64_t> epochs_;  // whole ones, as last reported
  std::vector<double> rates_;         // images per second, as last reported; 0: not heard of
};

/// The most that one of `slots` slots gets if each job in turn goes to the one that is free first.
std::int64_t longest_share(const std::vector<std::int64_t>& jobs, int slots);

}  // namespace pleat
