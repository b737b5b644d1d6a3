// What is said of a job whose numbers went out of bounds.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

#include "data/crop_file.h"
#include "train/fold_job.h"

namespace pleat {

/// A loss of this much for a row is that of weights that have exploded: guessing among a million classes costs 14.
inline constexpr double kMostLoss = 1e5;

/// Throws JobFailed. loss: mean of a row, not finite or too much; epoch and step: from 0; positions: of the step's
/// batch, into the job's training rows.
[[noreturn]] void throw_bad_loss(const FoldJob& job, const CropFile& crops, double loss, std::int64_t epoch,
                                 std::int64_t step, std::int64_t steps, std::span<const std::int64_t> positions);

/// Throws JobFailed naming the first row and how many there are.
///   outputs [rows, job.outputs()], of these rows of the crops file
void require_finite_outputs(const FoldJob& job, const CropFile& crops, const std::vector<std::int64_t>& rows,
                            const torch::Tensor& outputs);

}  // namespace pleat
