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
  double tensors = 0;              // peak bytes of a rank's tensors
  double least = 0;                // the part of `tensors` that does not depend on the batch
  double per_image = 0;            // bytes that one more image of a step adds to `tensors`; 0: no batch to choose
  std::int64_t images = 0;         // of a step
  std::int64_t micro_batches = 1;  // parts of a batch; a batch has images x micro_batches images
  double bytes() const { return tensors + kLibraryBytes; }
  static constexpr auto members() {
    return std::tuple{&MemoryNeed::what,      &MemoryNeed::tensors, &MemoryNeed::least,
                      &MemoryNeed::per_image, &MemoryNeed::images,  &MemoryNeed::micro_batches};
  }
};

/// The need of a job on this run's device. On a GPU only its host memory counts: batches and copies.
MemoryNeed need_of(const Run& run, const PlannedJob& job, const MemoryEstimate& memory);
MemoryNeed need_of(const Run& run, const PlannedJob& job, Accuracy accuracy = Accuracy::kClose);

/// The first job of each kind that is not done: a model for a target. Folds differ only in their rows.
std::vector<const PlannedJob*> kinds_to_do(const Run& run, const std::vector<PlannedJob>& jobs);

/// Pseudo-labelled rows that a student of this run may train on besides its fold's rows.
std::int64_t pseudo_rows_at_most(const Run& run);

/// Bytes that each of `ranks` ranks of this host may use, with those that the rank used already, up to kLibraryBytes.
double free_for_a_rank(const FreeMemory& free, int ranks);

/// Throws: ClusterError if `free` bytes cannot hold a rank, with both figures and, if there is one, a batch that fits.
///   host: of the ranks; local_size: their number
void require_memory(const MemoryNeed& need, double free, int local_size, const std::string& host);

/// Collective. Rank 0 estimates each kind of job that is not done; each host compares the largest with its free memory.
/// Throws: ClusterError on all ranks, as require_memory.
void check_memory(const Run& run, const std::vector<PlannedJob>& jobs, const MpiSession& session);

/// Collective. The comparison alone. `need`: on rank 0; none: nothing to check.
void check_memory(const std::optional<MemoryNeed>& need, const ComputePlace& place, const MpiSession& session);

/// "22.5 GB", "306.2 MB"
std::string memory_text(double bytes);

}  // namespace pleat
