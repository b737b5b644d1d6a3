// MPI's life in this process, and what other layers are told of it. Under mpirun (or srun) it initialises MPI with
// MPI_THREAD_MULTIPLE; alone it does not touch MPI, and everything is the identity of one rank.
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
  /// Finalizes. Reached by a rank only when all ranks go this way; a failing rank calls abort.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  Launcher launcher() const { return launcher_; }
  bool launched() const { return launcher_ != Launcher::kNone; }
  /// By rank; the same for ranks that share a machine's memory, and different for all others: machines of one name
  /// (containers often have it) become name, name#2, and so on.
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

/// Host names made different for different machines.
///   names: by rank; machines: by rank, equal for ranks on one machine.
std::vector<std::string> distinct_hosts(const std::vector<std::string>& names, const std::vector<int>& machines);

/// The ranks of a communicator. Their waits sleep rather than spin.
Ranks ranks_of(MPI_Comm comm);

}  // namespace pleat
