// A slot: the ranks that share one job, their collectives, and the loop in which they take jobs.
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
  /// Collective over the world. An idle rank (place.slot < 0) gets an empty slot. What it throws may be this rank's
  /// alone, while its peers wait: let it reach main.
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

/// Takes jobs until there are no more. `source`: the leader's; null on the other shards. Errors that all shards of a
/// job threw alike go to rank 0 through the source, and the slot goes on; an error of one shard alone is thrown.
void take_jobs(const Slot& slot, JobSource* source, const JobWork& work);

/// The whole of it, collective over the world: rank 0 serves the queue, every slot takes jobs, all return when nothing
/// is left. Returns on rank 0 what ended the run early (JobBoard::verdict), a value rather than an exception so that
/// all ranks take their slots down alike before anyone throws. An error of one rank alone does not come back: it is
/// logged and ends all ranks, whose collectives nobody could finish. `queue` and `events` are used on rank 0 alone.
[[nodiscard]] std::optional<Error> run_jobs(const MpiSession& session, const RankLayout& layout, const Slot& slot,
                                            JobQueue& queue, const JobEvents& events,
                                            const std::function<JobWork(JobSource*)>& make_work);

}  // namespace pleat
