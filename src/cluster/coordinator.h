// Hands out jobs to slots. A slot's leader holds a JobSource. Rank 0's own source calls the JobBoard directly; the
// others send messages to a Coordinator, a thread on rank 0 that sleeps between polls.
#pragma once

#include <mpi.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "cluster/job_board.h"
#include "cluster/rank_layout.h"

namespace pleat {

/// A job that was handed out.
struct JobOrder {
  int job = -1;
  std::string brief;  // JobStart::brief
  static constexpr auto members() { return std::tuple{&JobOrder::job, &JobOrder::brief}; }
};

/// The job queue as a slot's leader sees it. For one thread.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// Waits, asleep, for the next job. Returns none once no job will follow.
  virtual std::optional<JobOrder> next() = 0;
  virtual void finish(int job, const std::string& result) = 0;
  virtual void fail(int job, ExitCode code, const std::string& message) = 0;
  /// The job saved its place and stopped, because of stop_requested() or a signal.
  virtual void stopped(int job) = 0;
  virtual void progress(int job, const std::string& report) = 0;
  /// True once another slot's stop or error asks this slot to save and stop. Cheap enough for every step.
  virtual bool stop_requested() = 0;
};

std::unique_ptr<JobSource> make_local_source(JobBoard& board, int slot);

/// `comm`: a communicator of all ranks that nothing else uses.
std::unique_ptr<JobSource> make_remote_source(MPI_Comm comm, int slot);

/// Serves the remote leaders until each knows that no job is left; the destructor waits for that. It also passes
/// SIGTERM to the board at once: a launcher that has lost a rank sends SIGTERM, and SIGKILL a second later.
class Coordinator {
 public:
  Coordinator(MPI_Comm comm, const RankLayout& layout, JobBoard& board);
  ~Coordinator();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
