// Chooses and orders the training rows of an epoch (train.sampling). Depends only on the random key, so all shards get
// the same order.
#pragma once

#include <cstdint>
#include <vector>

#include "train/fold_job.h"

namespace pleat {

/// Returns positions in the job's training rows, as many as the job has in an epoch (FoldJob::epoch_rows). A trunk has
/// fewer rows than that: with train.sampling: shuffle it goes on through whole passes over its rows.
///   key: seed, round, fold and epoch; the function sets the purpose
std::vector<std::int64_t> epoch_order(const FoldJob& job, RandomKey key);

/// Of each position of a shuffled trunk's epoch_order: the pass that it belongs to, from 0. Otherwise empty: an epoch
/// is a pass.
std::vector<std::uint32_t> epoch_passes(const FoldJob& job, std::int64_t epoch);

/// Number of draws of each class; they sum to `rows`.
///   sampling: "balanced" (all classes equally often) or "balanced_sqrt" (by the square root of their rows)
///   counts: rows of each class, above 0
std::vector<std::int64_t> class_draws(const std::string& sampling, const std::vector<std::int64_t>& counts,
                                      std::int64_t rows);

}  // namespace pleat
