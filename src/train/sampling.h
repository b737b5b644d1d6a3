// Chooses and orders the training rows of an epoch (train.sampling). Depends only on the random key, so all shards get
// the same order.
#pragma once

#include <cstdint>
#include <vector>

#include "train/fold_job.h"

namespace pleat {

/// Returns positions in the job's training rows, as many as there are rows.
///   key: seed, round, fold and epoch; the function sets the purpose
std::vector<std::int64_t> epoch_order(const FoldJob& job, RandomKey key);

/// Number of draws of each class; they sum to `rows`.
///   sampling: "balanced" (all classes equally often) or "balanced_sqrt" (by the square root of their rows)
///   counts: rows of each class, above 0
std::vector<std::int64_t> class_draws(const std::string& sampling, const std::vector<std::int64_t>& counts,
                                      std::int64_t rows);

}  // namespace pleat
