// Trains one job (one model on one fold's training side) from the start, a trunk or a checkpoint, then predicts.
#pragma once

#include <torch/types.h>

#include <vector>

#include "model/classifier.h"
#include "train/epoch_report.h"
#include "train/fold_job.h"
#include "train/train_context.h"

namespace pleat {

struct FoldResult {
  NamedTensors weights;                // on CPU: the last ones, their average (train.ema) or the best (train.keep)
  std::vector<torch::Tensor> logits;   // for each head: [predict_rows, its classes] float32, over the temperature
  std::vector<torch::Tensor> normals;  // for each head: [predict_rows, 2] (split_normals), or undefined
  std::vector<EpochReport> history;
  std::int64_t kept_epoch = 0;       // epoch of `weights`, from 1
  std::vector<double> temperatures;  // for each head; 1 without predict.temperature
  std::string state;                 // of a trunk, which has no weights and logits: what its branches continue from
};

/// Collective: all ranks of the slot call it with the same job. Returns the same result on each.
/// Throws: StopRequested after a stop signal, once a checkpoint is saved.
/// Throws: DataError for bad data.
/// Throws: JobFailed if training fails: the loss is not finite or diverged (the message names epoch, step and rows), a
/// prediction is not finite, or the device is out of memory.
FoldResult train_fold(const FoldJob& job, const TrainContext& context);

}  // namespace pleat
