// Refuses a run that this machine's free memory cannot hold, before the kernel kills it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/mpi_session.h"
#include "run/run_setup.h"
#include "train/memory_estimate.h"

namespace pleat {

/// Memory of a rank besides tensors, in bytes: LibTorch, other libraries, kernels and buffers. Measured as peak
/// resident set minus planned tensors, one thread on CPU: 229 MB with ResNet20; with ResNet18 214 (fp32), 232 (SGD),
/// 262 and 272 (bf16). Half of these pages belong to libraries, which the ranks of a host share.
inline constexpr double kLibraryBytes = 230e6;

/// Memory that a rank needs for one kind of job.
struct MemoryNeed {
  std::string what;                // "training resnet18 for mask"
  double tensors = 0, least = 0;   // bytes of a rank's tensors at the peak; of them, independent of the batch
  double per_image = 0;            // bytes that one more image of a step adds to `tensors`; 0: no batch to choose
  std::int64_t images = 0;         // of a step
  std::int64_t micro_batches = 1;  // steps' parts; a batch has images x micro_batches
  double bytes() const { return tensors + kLibraryBytes; }
  static constexpr auto members() {
    return std::tuple{&MemoryNeed::what,      &MemoryNeed::tensors, &MemoryNeed::least,
                      &MemoryNeed::per_image, &MemoryNeed::images,  &MemoryNeed::micro_batches};
  }
};

/// The need of a job on this run's device. On a GPU only its host memory counts: batches and copies.
MemoryNeed need_of(const Run& run, const PlannedJob& job, Care care = Care::kClose);

/// Pseudo-labelled rows that a student of this run may train on besides its fold's rows.
std::int64_t pseudo_rows_at_most(const Run& run);

/// Bytes that each rank of this host may use, with those that this process uses already, up to kLibraryBytes.
///   local_size: ranks on this host
double free_for_a_rank(int local_size);

/// Throws: ClusterError if `free` bytes cannot hold a rank, with both figures and, if there is one, a batch that fits.
///   host: of the ranks; local_size: their number
void require_memory(const MemoryNeed& need, double free, int local_size, const std::string& host);

/// Collective. Rank 0 estimates each kind of job that is not done; each host compares the largest with its free memory.
/// Throws: ClusterError on all ranks, as require_memory.
void check_memory(const Run& run, const std::vector<PlannedJob>& jobs, const MpiSession& session);

/// Collective. The comparison alone. `need`: on rank 0; none: nothing to check.
void check_memory(const std::optional<MemoryNeed>& need, const RankPlace& place, const MpiSession& session);

/// "22.5 GB", "306.2 MB"
std::string memory_text(double bytes);

}  // namespace pleat
