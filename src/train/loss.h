// The training loss.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "data/batch_loader.h"

namespace pleat {

/// Sum over the samples of cross-entropy with label smoothing (torch's definition), divided by `batch`: parts of a
/// batch then add up to the batch's mean. logits [n, C], any float type (computed in float32); labels [n] int64.
/// Scalar.
torch::Tensor part_loss(const torch::Tensor& logits, const torch::Tensor& labels, double label_smoothing,
                        std::int64_t batch);

/// The same of a batch whose images may be mixed: each counts by `share` for its own label, by the rest for its
/// partner's.
torch::Tensor part_loss(const torch::Tensor& logits, const Batch& part, double label_smoothing, std::int64_t batch);

}  // namespace pleat
