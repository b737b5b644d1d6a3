// Which of a job's training rows an epoch shows, in which order: the same on every shard, a function of the epoch's
// key.
#pragma once

#include <cstdint>
#include <vector>

#include "train/fold_job.h"

namespace pleat {

/// Positions in the job's training rows, as many as it has. `key`: seed, round, fold and epoch; the purpose is filled
/// in.
std::vector<std::int64_t> epoch_order(const FoldJob& job, RandomKey key);

/// How often each class is shown among `rows` draws, by train.sampling ("balanced": equally often, "balanced_sqrt": by
/// the root of its rows). counts: rows of each class, above 0. Sums to `rows`.
std::vector<std::int64_t> class_draws(const std::string& sampling, const std::vector<std::int64_t>& counts,
                                      std::int64_t rows);

}  // namespace pleat
