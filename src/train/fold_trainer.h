// Trains one job: one model on one fold's training side, from its first step or from its checkpoint, and predicts.
#pragma once

#include <torch/types.h>

#include <vector>

#include "train/fold_job.h"
#include "train/train_context.h"

namespace pleat {

struct FoldResult {
  NamedTensors weights;                // CPU, as trained, or their average (train.ema), or the best (train.keep)
  std::vector<torch::Tensor> logits;   // of each head: [predict_rows, its classes] float32
  std::vector<torch::Tensor> normals;  // of each head: [predict_rows, 2] (split_normals), or undefined
  std::vector<EpochReport> history;
  std::int64_t kept_epoch = 0;  // from 1: after which the weights were as they are
};

/// Every rank of the slot calls it with the same job; each gets the result. Throws StopRequested once its place is
/// saved, DataError for data, or JobFailed if training itself fails (a loss that is not finite or has run away: epoch,
/// step and rows named; predictions that are not finite; a device whose memory is full).
FoldResult train_fold(const FoldJob& job, const TrainContext& context);

}  // namespace pleat
