// A slot: the ranks that share one job, their collectives, and the loop in which they take jobs.
#pragma once

#include <mpi.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "base/ranks.h"
#include "cluster/coordinator.h"
#include "cluster/mpi_session.h"
#include "cluster/rank_layout.h"

namespace pleat {

class Slot {
 public:
  /// Collective over the world. An idle rank (place.slot < 0) gets an empty slot.
  Slot(const MpiSession& session, const RankLayout& layout, const torch::Device& device);
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  int index() const { return index_; }
  const Ranks& ranks() const { return ranks_; }
  bool leads() const { return ranks_.rank == 0; }
  const c10::intrusive_ptr<c10d::ProcessGroup>& group() const { return group_; }  // null for one shard

 private:
  int index_ = -1;
  Ranks ranks_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
};

/// One job's work on this rank; the leader's return value is the job's result.
using JobWork = std::function<std::vector<std::string>(int job)>;

/// Takes jobs until there are no more. `source`: the leader's; null on the other shards. Errors of a job go to rank 0
/// through the source; the other shards, which threw the same, go on with the next job.
void take_jobs(const Slot& slot, JobSource* source, const JobWork& work);

/// The whole of it, collective over the world: rank 0 serves the queue, every slot takes jobs, all return when nothing
/// is left. On rank 0 it throws what ended the run early (JobBoard::rethrow). `queue` and `events` are used on rank 0
/// alone.
void run_jobs(const MpiSession& session, const RankLayout& layout, const Slot& slot, JobQueue& queue,
              const JobEvents& events, const std::function<JobWork(JobSource*)>& make_work);

}  // namespace pleat
