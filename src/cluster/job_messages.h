// The messages between slot leaders and rank 0, of any size, with sleeping waits.
#pragma once

#include <mpi.h>

#include <string>
#include <tuple>

#include "base/bytes.h"
#include "base/error.h"

namespace pleat {

/// Tags on the coordinator's communicator, one for each message type.
enum class JobTag : int { kAsk = 1, kFinished, kFailed, kStopped, kProgress, kAnswer, kStop };

/// Leader to rank 0: the slot is free.
struct AskMessage {
  static constexpr JobTag kTag = JobTag::kAsk;
  int slot = -1;
  static constexpr auto members() { return std::tuple{&AskMessage::slot}; }
};

/// Leader to rank 0. `result`: bytes of the job's result, whose type the caller of run_jobs knows.
struct FinishMessage {
  static constexpr JobTag kTag = JobTag::kFinished;
  int slot = -1, job = -1;
  std::string result;
  static constexpr auto members() {
    return std::tuple{&FinishMessage::slot, &FinishMessage::job, &FinishMessage::result};
  }
};

/// Leader to rank 0.
struct FailMessage {
  static constexpr JobTag kTag = JobTag::kFailed;
  int slot = -1, job = -1;
  ExitCode code{};
  std::string message;
  static constexpr auto members() {
    return std::tuple{&FailMessage::slot, &FailMessage::job, &FailMessage::code, &FailMessage::message};
  }
};

/// Leader to rank 0: the job saved its place and stopped on request.
struct StoppedMessage {
  static constexpr JobTag kTag = JobTag::kStopped;
  int slot = -1, job = -1;
  static constexpr auto members() { return std::tuple{&StoppedMessage::slot, &StoppedMessage::job}; }
};

/// Leader to rank 0. `report`: bytes of a report, whose type the caller of run_jobs knows.
struct ProgressMessage {
  static constexpr JobTag kTag = JobTag::kProgress;
  int job = -1;
  std::string report;
  static constexpr auto members() { return std::tuple{&ProgressMessage::job, &ProgressMessage::report}; }
};

/// Rank 0 to a leader that asked. `job` < 0: no job is left. `brief`: JobStart::brief. `stop_sent`: a StopMessage was
/// sent before this answer, and must be received before MPI ends.
struct AnswerMessage {
  static constexpr JobTag kTag = JobTag::kAnswer;
  int job = -1;
  bool stop_sent = false;
  std::string brief;
  static constexpr auto members() {
    return std::tuple{&AnswerMessage::job, &AnswerMessage::stop_sent, &AnswerMessage::brief};
  }
};

/// Rank 0 to a leader: save the running job's place and stop.
struct StopMessage {
  static constexpr JobTag kTag = JobTag::kStop;
  static constexpr auto members() { return std::tuple{}; }
};

/// A message as it arrived; from_bytes makes it the type that its tag names.
struct ReceivedMessage {
  JobTag tag{};
  int rank = -1;  // the sender
  std::string bytes;
};

void send_bytes(MPI_Comm comm, int rank, JobTag tag, const std::string& bytes);

template <MessageStruct Message>
void send_message(MPI_Comm comm, int rank, const Message& message) {
  send_bytes(comm, rank, Message::kTag, to_bytes(message));
}

/// Receives the next message from any rank, or from rank 0 the next with that tag. Returns false if none has arrived.
bool poll_message(MPI_Comm comm, ReceivedMessage& message);
bool poll_message(MPI_Comm comm, JobTag tag, ReceivedMessage& message);

}  // namespace pleat
