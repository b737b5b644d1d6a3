#include "cluster/job_messages.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "cluster/mpi_wait.h"

namespace pleat {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kChunk = std::int64_t{1} << 30;  // MPI counts are int

// Parts with their lengths in front, as one run of bytes.
std::string pack(const std::vector<std::string>& parts) {
  std::string bytes;
  for (const auto& part : parts) {
    const std::uint64_t length = part.size();
    bytes.append(reinterpret_cast<const char*>(&length), sizeof length).append(part);
  }
  return bytes;
}

std::vector<std::string> unpack(const std::string& bytes) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    parts.push_back(bytes.substr(at + sizeof length, length));
    at += sizeof length + length;
  }
  return parts;
}

bool receive(MPI_Comm comm, int source, int tag, JobMessage& message) {
  int found = 0;
  MPI_Status status;
  check_mpi(MPI_Iprobe(source, tag, comm, &found, &status), "MPI probe");
  if (!found) return false;
  const int from = status.MPI_SOURCE;
  // Length first, then the chunks: messages of one source and tag arrive in the order they were sent.
  std::int64_t length = 0;
  check_mpi(MPI_Recv(&length, 1, MPI_INT64_T, from, status.MPI_TAG, comm, MPI_STATUS_IGNORE), "MPI receive");
  std::string bytes(static_cast<std::size_t>(length), '\0');
  for (std::int64_t at = 0; at < length; at += kChunk) {
    MPI_Request request;
    check_mpi(MPI_Irecv(bytes.data() + at, static_cast<int>(std::min(kChunk, length - at)), MPI_BYTE, from,
                        status.MPI_TAG, comm, &request),
              "MPI receive");
    check_mpi(wait_sleeping(&request, 200us), "MPI receive");
  }
  message = {static_cast<JobTag>(status.MPI_TAG), from, unpack(bytes)};
  return true;
}

}  // namespace

void send_message(MPI_Comm comm, const JobMessage& message) {
  const std::string bytes = pack(message.parts);
  const auto length = static_cast<std::int64_t>(bytes.size());
  const int tag = static_cast<int>(message.tag);
  check_mpi(MPI_Send(&length, 1, MPI_INT64_T, message.rank, tag, comm), "MPI send");
  for (std::int64_t at = 0; at < length; at += kChunk) {
    MPI_Request request;
    check_mpi(MPI_Isend(bytes.data() + at, static_cast<int>(std::min(kChunk, length - at)), MPI_BYTE, message.rank, tag,
                        comm, &request),
              "MPI send");
    check_mpi(wait_sleeping(&request, 200us), "MPI send");
  }
}

bool poll_message(MPI_Comm comm, JobMessage& message) { return receive(comm, MPI_ANY_SOURCE, MPI_ANY_TAG, message); }

bool poll_message(MPI_Comm comm, JobTag tag, JobMessage& message) {
  return receive(comm, 0, static_cast<int>(tag), message);
}

}  // namespace pleat
