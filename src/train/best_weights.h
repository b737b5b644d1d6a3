// Which epoch's weights are kept, by their score on rows of the training side that are set aside (train.keep: best).
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "train/best_so_far.h"
#include "train/fold_job.h"

namespace pleat {

/// Mean of the heads' scores on the inner rows, more is better. `outputs` [inner_rows, job.outputs()].
double inner_score(const FoldJob& job, const torch::Tensor& outputs);

/// Takes over what `weights` hold now if their score is better than the best (or there is none); counts the epoch
/// otherwise.
void consider(BestSoFar& best, std::int64_t epoch, double score, const NamedTensors& weights);

/// Whether train.patience is at its end.
bool gave_up(const TrainConfig& train, const BestSoFar& best);

}  // namespace pleat
