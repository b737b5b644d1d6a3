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
  explicit RunProgress(const std::vector<PlannedJob>& jobs);

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
  std::chrono::steady_clock::time_point start_;
  std::vector<std::int64_t> total_, done_, done_before_;  // images per job; done_before_: by an earlier run
  std::vector<bool> heard_;
  std::vector<std::int64_t> epochs_;  // whole ones, as last reported
};

}  // namespace pleat
