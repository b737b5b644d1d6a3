// The messages between slot leaders and rank 0, and how they travel: a list of strings, of any size, sleeping waits.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

namespace pleat {

/// Tags on the coordinator's communicator. Leader to rank 0: kAsk, kFinished, kFailed, kStopped, kProgress.
/// Rank 0 to leader: kAnswer (to kAsk), kStop.
enum class JobTag : int { kAsk = 1, kFinished, kFailed, kStopped, kProgress, kAnswer, kStop };

struct JobMessage {
  JobTag tag;
  int rank;  // the other side
  std::vector<std::string> parts;
};

void send_message(MPI_Comm comm, const JobMessage& message);

/// The next message from anyone, or (`tag` given) the next with that tag from rank 0; false if none is there yet.
bool poll_message(MPI_Comm comm, JobMessage& message);
bool poll_message(MPI_Comm comm, JobTag tag, JobMessage& message);

}  // namespace pleat
