// What is said of a job whose numbers went out of bounds.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>

#include "train/fold_trainer.h"

namespace pleat {

/// Throws JobFailed. epoch and step: from 0; positions: of the step's batch, into the job's training rows.
[[noreturn]] void throw_loss_not_finite(const FoldJob& job, const CropFile& crops, std::int64_t epoch,
                                        std::int64_t step, std::int64_t steps, std::span<const std::int64_t> positions);

/// Throws JobFailed naming the first row and how many there are.
///   logits [predict_rows, classes]
void require_finite_logits(const FoldJob& job, const CropFile& crops, const torch::Tensor& logits);

}  // namespace pleat
