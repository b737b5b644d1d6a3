// Cuts an epoch's rows into batches, and batches into parts. The cut does not depend on the number of shards.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batches/batch_loader.h"
#include "train/train_config.h"

namespace pleat {

/// Images per step of an epoch, from 0: train.batch, and with train.last_batch growing evenly in ratio to that.
std::int64_t batch_of_epoch(const TrainConfig& config, std::int64_t epoch);

/// Optimizer steps in an epoch, from 0. Batch sizes differ by at most one and never exceed batch_of_epoch.
///   rows: FoldJob::epoch_rows
std::int64_t steps_of_epoch(std::int64_t rows, const TrainConfig& config, std::int64_t epoch);

/// Optimizer steps in all epochs before `epoch`.
std::int64_t steps_before(std::int64_t rows, const TrainConfig& config, std::int64_t epoch);

struct EpochCut {
  std::vector<std::int64_t> order;    // positions in the job's rows (sampling.h)
  std::int64_t steps = 1;             // batches
  std::int64_t parts = 1;             // parts of each batch (train.micro_batches)
  std::vector<std::uint32_t> passes;  // of each of `order`: its pass over the rows (sampling.h), or empty

  /// Positions of a step's whole batch (all shards), or of one of its parts. Sizes differ by at most one.
  std::span<const std::int64_t> batch(std::int64_t step) const;
  std::span<const std::int64_t> part(std::int64_t step, std::int64_t part) const;
};

/// Parts first … first + count - 1 of each batch from `step` on, in training order.
///   rows: the job's rows of the crops file; cut.order holds positions in them
///   pseudo_rows: the last of them have pseudo-labels
std::vector<BatchPlan> batch_plans(const EpochCut& cut, std::int64_t step, std::int64_t first, std::int64_t count,
                                   const std::vector<std::int64_t>& rows, std::size_t pseudo_rows, std::int64_t epoch);

}  // namespace pleat
