// Estimates a job's memory from two small steps whose allocations are counted. Never runs a step of the full size.
#pragma once

#include <cstdint>

#include "train/fold_job.h"

namespace pleat {

struct MemoryEstimate {
  std::int64_t weights = 0;     // bytes of parameters and buffers
  std::int64_t state = 0;       // bytes of weights, gradients, optimizer state, average and best weights
  std::int64_t checkpoint = 0;  // bytes of a checkpoint: weights, optimizer state, average and best weights
  std::int64_t peak = 0;        // peak bytes of tensors during a step, with the batches that are read ahead
  std::int64_t per_image = 0;   // bytes that one more image in a part of the batch adds to `peak`
  std::int64_t predicting = 0;  // peak bytes of tensors while held-out rows are predicted
  std::int64_t ahead = 0;       // bytes of the batches that are read ahead, a part of `peak`; in host memory

  /// Peak bytes of a training rank, with the copy for a checkpoint.
  std::int64_t rank_bytes() const { return (peak > predicting ? peak : predicting) + checkpoint; }
};

/// Number of images in the two measured steps.
enum class Accuracy {
  kClose,  // 16 and 32, or fewer if the real step has fewer: within a few percent
  kRough,  // 2 and 4: an eighth of the work, about a tenth too low
};

/// The number of images that a rank holds during a step: a whole part of the batch, but at most all rows.
///   more_rows: pseudo-labelled rows that students of later rounds may have besides
std::int64_t images_of_step(const FoldJob& job, std::int64_t more_rows = 0);

/// Measures on the CPU, whatever the run's device, on smaller images if `shape` is large. Two things are not counted:
/// CUDA's float32 gradients in bf16 (2 more bytes per weight), and the convolution plan's matrices (up to 32 MB on the
/// CPU). Uses no more memory than the real step and prediction, or those of 4 images.
///   shape: of the largest training images; images: as images_of_step
MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape, std::int64_t images,
                               Accuracy accuracy = Accuracy::kClose);

/// Peak bytes of tensors, weights included, while a network predicts crops outside of a job.
///   outputs: width of the last layer
std::int64_t predicting_memory(const ModelConfig& model, const ImageShape& shape, int outputs, bool bf16);

}  // namespace pleat
