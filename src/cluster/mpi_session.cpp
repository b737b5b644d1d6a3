#include "cluster/mpi_session.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "cluster/mpi_wait.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;

bool has_env(const char* name) { return std::getenv(name) != nullptr; }

int env_int(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

/// What a launcher leaves in the environment: Open MPI's mpirun, PMIx (srun --mpi=pmix, prterun), PMI (srun
/// --mpi=pmi2).
bool found_launcher() { return has_env("OMPI_COMM_WORLD_SIZE") || has_env("PMIX_RANK") || has_env("PMI_RANK"); }

/// The number of processes that the launcher says it started; 1 if it does not say.
int promised_size() {
  return std::max({env_int("OMPI_COMM_WORLD_SIZE", 1), env_int("PMI_SIZE", 1), env_int("SLURM_STEP_NUM_TASKS", 1)});
}

/// Tasks that do not know of each other would each do the whole run, into the same folder.
void require_one_world(int size) {
  if (size > 1 || promised_size() == 1) return;
  throw ClusterError(
      "{} processes were started, but MPI tells each that it is alone; start them with mpirun, or with "
      "srun --mpi=pmix (srun --mpi=list shows what this Slurm has)",
      promised_size());
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

void barrier(MPI_Comm comm) {
  MPI_Request request;
  check_mpi(MPI_Ibarrier(comm, &request), "MPI barrier");
  check_mpi(wait_sleeping(&request, 2ms), "MPI barrier");
}

void broadcast_bytes(char* bytes, std::int64_t count, int root, MPI_Comm comm) {
  constexpr std::int64_t kChunk = std::int64_t{1} << 30;  // MPI counts are int
  for (std::int64_t from = 0; from < count; from += kChunk) {
    MPI_Request request;
    const int length = static_cast<int>(std::min(kChunk, count - from));
    check_mpi(MPI_Ibcast(bytes + from, length, MPI_BYTE, root, comm, &request), "MPI broadcast");
    check_mpi(wait_sleeping(&request, 200us), "MPI broadcast");
  }
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

MpiSession::MpiSession() : launched_(found_launcher()), hosts_{host_name()} {
  if (!launched_) {
    require_one_world(1);
    return;
  }
  int given = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &given);
  // World keeps MPI_ERRORS_ARE_FATAL: what fails there is a lost peer or a broken fabric, and ends all ranks. The
  // slots' communicators return their errors, so that they reach whoever waits (MpiBackend).
  MPI_Comm_rank(world(), &rank_);
  MPI_Comm_size(world(), &size_);
  if (given < MPI_THREAD_MULTIPLE) {
    throw ClusterError(
        "the MPI library gives thread level {} but pleat needs MPI_THREAD_MULTIPLE ({}); use an MPI "
        "built with it (Open MPI 4 or later has it)",
        given, MPI_THREAD_MULTIPLE);
  }
  require_one_world(size_);
  hosts_ = ranks().all_gather(hosts_.front());
}

MpiSession::~MpiSession() {
  // With an exception in flight this rank fails, and its peers do not know: MPI_Finalize would wait for them for
  // ever. Leaving without it makes the launcher end them, once main has printed the error and exits.
  if (launched_ && std::uncaught_exceptions() == 0) MPI_Finalize();
}

Ranks MpiSession::ranks() const { return launched_ ? ranks_of(world()) : Ranks{}; }

void MpiSession::abort(int exit_code) {
  spdlog::default_logger()->flush();
  if (launched_) MPI_Abort(world(), exit_code);
  std::_Exit(exit_code);
}

}  // namespace pleat
