#include "cluster/slot.h"

#include <memory>

#include "cluster/failure.h"
#include "cluster/mpi_wait.h"
#include "cluster/process_group.h"

namespace pleat {

Slot::Slot(const MpiSession& session, const RankLayout& layout, const torch::Device& device) {
  const RankPlace& place = layout.ranks.at(std::size_t(session.rank()));
  index_ = place.slot;
  if (!session.launched()) return;
  check_mpi(MPI_Comm_split(session.world(), index_ < 0 ? MPI_UNDEFINED : index_, place.shard, &comm_),
            "splitting ranks into slots");
  if (index_ < 0) return;
  ranks_ = ranks_of(comm_);
  if (ranks_.size > 1) group_ = make_process_group(comm_, device);
}

Slot::~Slot() {
  group_.reset();  // its threads use the communicator
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

void take_jobs(const Slot& slot, JobSource* source, const JobWork& work) {
  for (;;) {
    JobOrder order = source ? source->next().value_or(JobOrder{}) : JobOrder{};
    if (slot.ranks().size > 1) order = gather(slot.ranks(), order).front();
    const int job = order.job;
    if (job < 0) return;
    try {
      const std::string result = work(job, order.brief);
      if (source) source->finish(job, result);
    } catch (const Error& error) {
      // An error that all shards agreed on is the job's, and the slot takes the next job. An error of one shard alone
      // leaves its peers waiting in a collective: run_jobs ends all ranks then.
      const bool agreed = error.on_all_ranks() || error.code() == ExitCode::kStopped;
      if (slot.ranks().size > 1 && !agreed) throw;
      if (!source) continue;
      if (error.code() == ExitCode::kStopped)
        source->stopped(job);
      else
        source->fail(job, error.code(), error.what());
    } catch (const std::exception& error) {
      if (slot.ranks().size > 1) throw;
      if (source) source->fail(job, ExitCode::kSomeFailed, message_of(error));
    }
  }
}

namespace {

/// Serves the queue on rank 0 and takes jobs on every slot, until no job is left.
void serve_and_take(const MpiSession& session, const RankLayout& layout, const Slot& slot, MPI_Comm comm,
                    JobBoard* board, const std::function<JobWork(JobSource*)>& make_work) {
  std::unique_ptr<Coordinator> coordinator;  // ends once every leader knows that no job is left
  std::unique_ptr<JobSource> source;
  if (board) {
    coordinator = std::make_unique<Coordinator>(comm, layout, *board);
    source = make_local_source(*board, 0);
  } else if (slot.index() >= 0 && slot.leads()) {
    source = make_remote_source(comm, slot.index());
  }
  if (slot.index() < 0) return;
  try {
    take_jobs(slot, source.get(), make_work(source.get()));
  } catch (const std::exception& error) {
    if (session.size() == 1) throw;
    // Before anything unwinds: the coordinator's destructor would wait for leaders that wait for this rank.
    end_all_ranks(error);
  }
}

}  // namespace

std::optional<Error> run_jobs(const MpiSession& session, const RankLayout& layout, const Slot& slot, JobQueue& queue,
                              const JobEvents& events, const std::function<JobWork(JobSource*)>& make_work) {
  MPI_Comm comm = MPI_COMM_NULL;
  if (session.launched()) check_mpi(MPI_Comm_dup(session.world(), &comm), "making the coordinator's communicator");
  std::unique_ptr<JobBoard> board;
  if (session.rank() == 0) board = std::make_unique<JobBoard>(queue, events);
  serve_and_take(session, layout, slot, comm, board.get(), make_work);
  session.ranks().barrier();
  if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  return board ? board->verdict() : std::nullopt;
}

}  // namespace pleat
