// Starts and ends MPI. Under mpirun or srun it initialises MPI with MPI_THREAD_MULTIPLE. A process without a launcher
// never touches MPI and is one rank alone.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "base/ranks.h"
#include "cluster/launch_command.h"

namespace pleat {

class MpiSession {
 public:
  /// Throws ClusterError if the MPI library gives less than MPI_THREAD_MULTIPLE.
  MpiSession();
  /// Finalizes MPI. Requires: all ranks get here; a rank that fails alone calls abort.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  Launcher launcher() const { return launcher_; }
  bool launched() const { return launcher_ != Launcher::kNone; }
  /// Host names by rank: equal for ranks that share a machine's memory, different otherwise. Machines with the same
  /// name, as containers often have, become name, name#2, and so on.
  const std::vector<std::string>& hosts() const { return hosts_; }
  MPI_Comm world() const { return MPI_COMM_WORLD; }  // only if launched()
  Ranks ranks() const;

  /// See abort_all_ranks in cluster/failure.h.
  [[noreturn]] void abort(int exit_code) const;

 private:
  Launcher launcher_;
  int rank_ = 0, size_ = 1;
  std::vector<std::string> hosts_;
};

/// Makes the host names of different machines distinct.
///   names: by rank; machines: by rank, equal for ranks on one machine
std::vector<std::string> distinct_hosts(const std::vector<std::string>& names, const std::vector<int>& machines);

/// The ranks of a communicator. Waits sleep instead of spinning.
Ranks ranks_of(MPI_Comm comm);

}  // namespace pleat
