// Rank 0's progress lines: one for each report of a job, with the share done and the time left.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "run/job_plan.h"
#include "train/epoch_report.h"

namespace pleat {

class RunProgress {
 public:
  RunProgress(const std::vector<PlannedJob>& jobs, int slots);

  void already_done(int job);
  void heard(int job, const TrainProgress& report);
  void finished(int job, const std::string& score);
  /// "in epoch 2 of 4", from the job's last report.
  std::string place_of(int job) const;

  std::int64_t trained_images() const;  // in this run, over all jobs
  double seconds() const;               // since construction

 private:
  std::string remaining() const;

  const std::vector<PlannedJob>& jobs_;
  int slots_;
  Clock::time_point start_;
  std::vector<std::int64_t> total_, done_, done_before_;  // images per job; done_before_: in earlier starts
  std::vector<bool> heard_;
  std::vector<std::int64_t> epochs_;  // completed, as last reported
  std::vector<double> rates_;         // images per second, as last reported; 0: no report yet
};

/// The largest load of a slot if each job in turn goes to the slot that is free first.
std::int64_t longest_share(const std::vector<std::int64_t>& jobs, int slots);

}  // namespace pleat
