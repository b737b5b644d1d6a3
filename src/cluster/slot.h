// A slot: the ranks that share one job, their collectives, and the loop that takes jobs.
#pragma once

#include <mpi.h>
#include <torch/types.h>

#include <functional>
#include <optional>
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
  /// Throws: possibly on this rank alone while its peers wait, so let it reach main.
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

/// Does one job's work on this rank. `brief`: JobStart::brief, on every shard. The leader's return value is the job's
/// result, as bytes (to_bytes).
using JobWork = std::function<std::string(int job, const std::string& brief)>;

/// Takes jobs until none is left. `source`: the leader's; null on the other shards. An error that all shards of a job
/// threw alike goes to rank 0 through the source, and the slot takes the next job. An error of one shard alone is
/// thrown.
void take_jobs(const Slot& slot, JobSource* source, const JobWork& work);

/// Collective over the world. Rank 0 serves the queue, every slot takes jobs, and all ranks return once no job is left.
/// `queue` and `events` are used on rank 0 alone.
/// Returns, on rank 0, the error that ended the run early (JobBoard::verdict). It is a value, not an exception, so that
/// all ranks take down their slots before any of them throws.
/// An error of one rank alone is logged and ends all ranks, since their collectives could never finish.
[[nodiscard]] std::optional<Error> run_jobs(const MpiSession& session, const RankLayout& layout, const Slot& slot,
                                            JobQueue& queue, const JobEvents& events,
                                            const std::function<JobWork(JobSource*)>& make_work);

}  // namespace pleat
