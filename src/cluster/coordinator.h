// How slots come to their jobs. A slot's leader holds a JobSource; rank 0's own talks to the JobBoard directly, the
// others by messages to a Coordinator, which serves them on a thread of rank 0's that sleeps between looks.
#pragma once

#include <mpi.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/job_board.h"
#include "cluster/rank_layout.h"

namespace pleat {

/// A slot leader's view. Not for several threads.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// Waits, asleep, for the next job; none when there will be no more.
  virtual std::optional<int> next() = 0;
  virtual void finish(int job, const std::vector<std::string>& result) = 0;
  virtual void fail(int job, ExitCode code, const std::string& message) = 0;
  /// The job saved itself and stopped, because of stop_requested() or a signal.
  virtual void stopped(int job) = 0;
  virtual void progress(int job, const std::string& report) = 0;
  /// Whether another slot's stop or error asks this one to save and stop. Cheap enough for every step.
  virtual bool stop_requested() = 0;
};

std::unique_ptr<JobSource> make_local_source(JobBoard& board, int slot);

/// `comm`: a communicator of all ranks that nothing else uses.
std::unique_ptr<JobSource> make_remote_source(MPI_Comm comm, int slot);

/// Serves the remote leaders from construction until each has been told that there is no more; the destructor waits
/// for that. Until then it also passes SIGTERM on to the board, at once: a launcher that has lost a rank sends it, and
/// kills a second later.
class Coordinator {
 public:
  Coordinator(MPI_Comm comm, const RankLayout& layout, JobBoard& board);
  ~Coordinator();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pleat
