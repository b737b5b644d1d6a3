#include "cluster/job_messages.h"

#include <chrono>
#include <cstdint>

#include "cluster/mpi_wait.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200us;  // between tests of a transfer

bool receive(MPI_Comm comm, int source, int tag, ReceivedMessage& message) {
  int found = 0;
  MPI_Status status;
  check_mpi(MPI_Iprobe(source, tag, comm, &found, &status), "MPI probe");
  if (!found) return false;
  const int from = status.MPI_SOURCE;
  // Length first, then the chunks: messages of one source and tag arrive in the order they were sent.
  std::int64_t length = 0;
  check_mpi(MPI_Recv(&length, 1, MPI_INT64_T, from, status.MPI_TAG, comm, MPI_STATUS_IGNORE), "MPI receive");
  message = {static_cast<JobTag>(status.MPI_TAG), from, std::string(static_cast<std::size_t>(length), '\0')};
  char* bytes = message.bytes.data();
  in_chunks(length, kLook, "MPI receive", [&](std::int64_t at, int count, MPI_Request* request) {
    return MPI_Irecv(bytes + at, count, MPI_BYTE, from, status.MPI_TAG, comm, request);
  });
  return true;
}

}  // namespace

void send_bytes(MPI_Comm comm, int rank, JobTag tag, const std::string& bytes) {
  const auto length = static_cast<std::int64_t>(bytes.size());
  check_mpi(MPI_Send(&length, 1, MPI_INT64_T, rank, static_cast<int>(tag), comm), "MPI send");
  in_chunks(length, kLook, "MPI send", [&](std::int64_t at, int count, MPI_Request* request) {
    return MPI_Isend(bytes.data() + at, count, MPI_BYTE, rank, static_cast<int>(tag), comm, request);
  });
}

bool poll_message(MPI_Comm comm, ReceivedMessage& message) {
  return receive(comm, MPI_ANY_SOURCE, MPI_ANY_TAG, message);
}

bool poll_message(MPI_Comm comm, JobTag tag, ReceivedMessage& message) {
  return receive(comm, 0, static_cast<int>(tag), message);
}

}  // namespace pleat
