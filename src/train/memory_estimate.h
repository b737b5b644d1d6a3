// Estimates a job's training memory from two small training steps whose allocations are counted.
#pragma once

#include <cstdint>

#include "train/fold_job.h"

namespace pleat {

struct MemoryEstimate {
  std::int64_t weights = 0;     // bytes of parameters and buffers
  std::int64_t state = 0;       // bytes of weights, gradients, optimizer state, average and best weights
  std::int64_t checkpoint = 0;  // bytes of a checkpoint: weights, optimizer state, average and best weights
  std::int64_t peak = 0;        // peak bytes of tensors during a step with a whole part of the batch
};

/// Measures on the CPU, whatever the run's device. Two things are not counted: CUDA's float32 gradients in bf16 (2 more
/// bytes per weight), and the convolution plan's matrices (up to 32 MB on the CPU).
///   shape: of the largest training images
MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape);

}  // namespace pleat
