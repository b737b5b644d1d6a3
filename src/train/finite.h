// Errors for NaN, infinite or diverged values.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

#include "data/crop_file.h"
#include "train/fold_job.h"

namespace pleat {

/// Mean loss of a row from which training counts as diverged. Random guessing among a million classes costs only 14.
inline constexpr double kMostLoss = 1e5;

/// Throws: JobFailed, always. The message names loss, epoch, step and the first rows of the batch.
///   loss: mean of a row, not finite or above kMostLoss
///   epoch, step: from 0
///   positions: the step's batch, as positions in the job's training rows
[[noreturn]] void throw_bad_loss(const FoldJob& job, const CropFile& crops, double loss, std::int64_t epoch,
                                 std::int64_t step, std::int64_t steps, std::span<const std::int64_t> positions);

/// Throws: JobFailed if an output is not finite; the message gives the number of such rows and the first one's id.
///   outputs [rows, job.outputs()]
///   rows: rows of the crops file
void require_finite_outputs(const FoldJob& job, const CropFile& crops, const std::vector<std::int64_t>& rows,
                            const torch::Tensor& outputs);

}  // namespace pleat
