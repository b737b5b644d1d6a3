// How an epoch's rows are cut into batches, and those into parts: every row once, whoever walks them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch_loader.h"
#include "train/train_config.h"

namespace pleat {

/// Optimizer steps in an epoch: every image once, in batches of nearly equal size, none over config.batch.
std::int64_t steps_per_epoch(std::size_t rows, const TrainConfig& config);

struct EpochCut {
  std::vector<std::int64_t> order;  // positions in the job's rows (sampling.h)
  std::int64_t steps = 1;           // batches
  std::int64_t parts = 1;           // of each batch (train.micro_batches)

  /// Positions of a step's batch over all shards, and of one of its parts. Sizes differ by at most one.
  std::span<const std::int64_t> batch(std::int64_t step) const;
  std::span<const std::int64_t> part(std::int64_t step, std::int64_t part) const;
};

/// The parts first … first + count - 1 of each batch from `step` on, in the order in which they are walked.
///   rows: of the job; the cut's positions are theirs
std::vector<BatchPlan> batch_plans(const EpochCut& cut, std::int64_t step, std::int64_t first, std::int64_t count,
                                   const std::vector<std::int64_t>& rows, std::int64_t epoch);

}  // namespace pleat
