#include "cluster/mpi_session.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "cluster/failure.h"
#include "cluster/mpi_wait.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;

int env_int(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

/// The number of processes that the launcher started; 1 if unknown.
int promised_size() {
  return std::max({env_int("OMPI_COMM_WORLD_SIZE", 1), env_int("PMI_SIZE", 1), env_int("SLURM_STEP_NUM_TASKS", 1)});
}

/// Tasks that are unaware of each other would each do the whole run, in the same folder.
void require_one_world(int size) {
  if (size > 1 || promised_size() == 1) return;
  throw ClusterError(
      "{} processes were started, but MPI tells each that it is alone; start them with mpirun, or with "
      "srun --mpi=pmix (srun --mpi=list shows what this Slurm has)",
      promised_size());
}

/// The lowest rank that shares this machine's memory. Host names do not identify machines: containers often share one.
int first_rank_on_this_machine() {
  int rank = 0, first = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm machine = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine),
            "finding the ranks of a machine");
  check_mpi(MPI_Allreduce(&rank, &first, 1, MPI_INT, MPI_MIN, machine), "MPI all-reduce");
  MPI_Comm_free(&machine);
  return first;
}

void barrier(MPI_Comm comm) {
  MPI_Request request;
  check_mpi(MPI_Ibarrier(comm, &request), "MPI barrier");
  check_mpi(wait_sleeping(&request, 2ms), "MPI barrier");
}

void broadcast_bytes(char* bytes, std::int64_t count, int root, MPI_Comm comm) {
  in_chunks(count, 200us, "MPI broadcast", [&](std::int64_t at, int length, MPI_Request* request) {
    return MPI_Ibcast(bytes + at, length, MPI_BYTE, root, comm, request);
  });
}

std::vector<std::string> all_gather(const std::string& mine, int rank, int size, MPI_Comm comm) {
  const auto length = static_cast<std::int64_t>(mine.size());
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(size));
  MPI_Request request;
  check_mpi(MPI_Iallgather(&length, 1, MPI_INT64_T, lengths.data(), 1, MPI_INT64_T, comm, &request), "MPI all-gather");
  check_mpi(wait_sleeping(&request, 2ms), "MPI all-gather");
  std::vector<std::string> all(static_cast<std::size_t>(size));
  for (int from = 0; from < size; ++from) {
    std::string& bytes = all[static_cast<std::size_t>(from)];
    from == rank ? bytes = mine : bytes.assign(static_cast<std::size_t>(lengths[static_cast<std::size_t>(from)]), '\0');
    broadcast_bytes(bytes.data(), static_cast<std::int64_t>(bytes.size()), from, comm);
  }
  return all;
}

}  // namespace

Ranks ranks_of(MPI_Comm comm) {
  int rank = 0, size = 1;
  check_mpi(MPI_Comm_rank(comm, &rank), "MPI communicator");
  check_mpi(MPI_Comm_size(comm, &size), "MPI communicator");
  return {.rank = rank,
          .size = size,
          .barrier = [comm] { barrier(comm); },
          .all_gather = [=](const std::string& mine) { return all_gather(mine, rank, size, comm); }};
}

std::vector<std::string> distinct_hosts(const std::vector<std::string>& names, const std::vector<int>& machines) {
  std::map<int, std::string> host_of;  // by machine
  std::map<std::string, int> machines_named;
  std::vector<std::string> hosts;
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    std::string& host = host_of[machines[rank]];
    if (host.empty()) {
      const int count = ++machines_named[names[rank]];
      host = count == 1 ? names[rank] : fmt::format("{}#{}", names[rank], count);
    }
    hosts.push_back(host);
  }
  return hosts;
}

MpiSession::MpiSession() : launcher_(find_launcher()), hosts_{machine_name()} {
  if (!launched()) {
    require_one_world(1);
    return;
  }
  int given = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &given);
  // MPI_COMM_WORLD and its splits keep MPI_ERRORS_ARE_FATAL: an error there means a lost peer or a broken fabric, and
  // ends all ranks. Only MpiBackend's copy of a slot's communicator returns errors.
  MPI_Comm_rank(world(), &rank_);
  MPI_Comm_size(world(), &size_);
  if (given < MPI_THREAD_MULTIPLE) {
    throw ClusterError(
        "the MPI library gives thread level {} but pleat needs MPI_THREAD_MULTIPLE ({}); use an MPI "
        "built with it (Open MPI 4 or later has it)",
        given, MPI_THREAD_MULTIPLE);
  }
  require_one_world(size_);
  const std::vector<int> machines = gather(ranks(), first_rank_on_this_machine());
  hosts_ = distinct_hosts(ranks().all_gather(hosts_.front()), machines);
}

MpiSession::~MpiSession() {
  // An exception in flight means that this rank fails alone: MPI_Finalize would wait for its peers for ever. Without
  // it, the launcher ends the peers once main has printed the error and exited.
  if (launched() && std::uncaught_exceptions() == 0) MPI_Finalize();
}

Ranks MpiSession::ranks() const { return launched() ? ranks_of(world()) : Ranks{}; }

void MpiSession::abort(int exit_code) const { abort_all_ranks(exit_code); }

}  // namespace pleat
