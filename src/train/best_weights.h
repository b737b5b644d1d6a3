// Keeps the best epoch's weights (train.keep: best), by score on inner rows: training rows that are set aside.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "train/best_so_far.h"
#include "train/fold_job.h"

namespace pleat {

/// The inner rows whose label counts for a head.
struct InnerRows {
  torch::Tensor logits, labels;
};
InnerRows known_inner_rows(const Head& head, const torch::Tensor& logits);

/// Mean of the heads' scores on the inner rows; higher is better.
///   outputs [inner_rows, job.outputs()]
double inner_score(const FoldJob& job, const torch::Tensor& outputs);

/// Copies `weights` into `best` if `score` beats the best score, or if there is no best yet. Otherwise counts one more
/// epoch without improvement.
void consider(BestSoFar& best, std::int64_t epoch, double score, const NamedTensors& weights);

/// True after train.patience epochs in a row without improvement.
bool gave_up(const TrainConfig& train, const BestSoFar& best);

}  // namespace pleat
