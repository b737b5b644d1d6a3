// Rank 0's progress of all jobs, with the share done and the time left: bars on a terminal, else a line for each epoch
// of a job, and every ten seconds within an epoch. run.log has the lines in both cases.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "run/job_plan.h"
#include "train/epoch_report.h"

namespace pleat {

/// The size of a job, for the share done and the time left.
struct JobSize {
  std::string name;
  std::int64_t rows = 0, epochs = 0;  // of training; of a student at most so many rows, until it starts
  std::int64_t first = 0;             // epochs that its trunk trains
  std::int64_t images() const { return rows * (epochs - first); }
};
JobSize size_of(const PlannedJob& job);

class RunProgress {
 public:
  ///   score: the run's main score
  RunProgress(std::vector<JobSize> jobs, std::string score, int slots);
  /// Removes the bars.
  ~RunProgress();
  RunProgress(const RunProgress&) = delete;
  RunProgress& operator=(const RunProgress&) = delete;

  /// The job starts with that many rows.
  void starts(int job, std::int64_t rows);
  /// The job will not run, or it is not known whether it will.
  void skipped(int job);
  /// At most so many images are left to train on in jobs of which it is not known whether they will run.
  void expect(std::int64_t images) { expected_ = images; }

  void already_done(int job);
  /// A slot begins the job. `where`: as leader_text
  void began(int job, const std::string& where);
  void heard(int job, const TrainProgress& report);
  ///   result: in words, as keep_result returns it
  void finished(int job, const std::string& result);
  void failed(int job);
  /// "in epoch 2 of 4", from the job's last report.
  std::string place_of(int job) const;

  std::int64_t trained_images() const;  // in this run, over all jobs
  double seconds() const;               // since construction

 private:
  std::string remaining() const;
  std::string status_of(int job) const;
  enum class Draw { kAtOnce, kIfDue };
  void draw(Draw when);
  void log_report(int job, const TrainProgress& report);
  void show_line(const std::string& line) const;

  std::vector<JobSize> jobs_;
  std::string score_;
  int slots_;
  Clock::time_point start_;
  std::vector<std::int64_t> total_, done_, done_before_;  // images per job; done_before_: in earlier starts
  std::vector<bool> heard_;
  std::vector<bool> is_done_;
  std::vector<std::int64_t> epochs_;  // completed, as last reported
  std::int64_t expected_ = 0;
  std::vector<double> rates_;   // images per second, as last reported; 0: no report yet
  std::vector<double> losses_;  // as last reported
  std::vector<double> logged_;  // seconds() of the last line
  std::vector<int> running_;    // in the order of their start
  const bool terminal_, utf8_;
  double drawn_ = -1;  // seconds() of the last drawing
};

/// The largest load of a slot if each job in turn goes to the slot that is free first.
std::int64_t longest_share(const std::vector<std::int64_t>& jobs, int slots);

}  // namespace pleat
