// MPI's life in this process, and what other layers are told of it. Under mpirun (or srun) it initialises MPI with
// MPI_THREAD_MULTIPLE; alone it does not touch MPI, and everything is the identity of one rank.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "base/ranks.h"

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
  bool launched() const { return launched_; }                       // under mpirun or srun
  const std::vector<std::string>& hosts() const { return hosts_; }  // by rank
  MPI_Comm world() const { return MPI_COMM_WORLD; }                 // only if launched()
  Ranks ranks() const;

  /// Ends every rank with this exit code, without waiting for anyone: peers may be inside a collective.
  [[noreturn]] void abort(int exit_code);

 private:
  bool launched_ = false;
  int rank_ = 0, size_ = 1;
  std::vector<std::string> hosts_;
};

/// The ranks of a communicator. Their waits sleep rather than spin.
Ranks ranks_of(MPI_Comm comm);

}  // namespace pleat
