// How much memory training a job will take, measured rather than guessed: two small steps under a counting observer.
#pragma once

#include <cstdint>

#include "train/fold_job.h"

namespace pleat {

struct MemoryEstimate {
  std::int64_t weights = 0;     // bytes of parameters and buffers
  std::int64_t state = 0;       // weights, gradients, optimizer state and average together
  std::int64_t checkpoint = 0;  // weights, optimizer state, average: what is copied, as bytes, to be written
  std::int64_t peak = 0;        // peak of tensors during a step with a whole part of the batch
};

/// On CPU, whatever the device of the run: on CUDA in bf16 gradients are float32, 2 bytes a weight more. Without the
/// plan's convolutions, whose matrices take up to 32 MB on CPU. `shape`: of the largest training images.
MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape);

}  // namespace pleat
