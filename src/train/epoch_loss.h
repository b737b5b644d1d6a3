// Sums an epoch's loss. Each shard sums over its own images.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "base/ranks.h"

namespace pleat {

class EpochLoss {
 public:
  EpochLoss() = default;
  /// Resumes an epoch: an earlier run had this `sum` over `images` images on all shards. Shard 0 starts with both.
  EpochLoss(double sum, std::int64_t images, const Ranks& ranks, const torch::Device& device);

  /// Adds one part's loss.
  ///   loss: sum over the part's images, divided by `batch`
  void add(const torch::Tensor& loss, std::int64_t images, std::int64_t batch);
  /// Mean over this shard's images so far.
  double mean() const;
  /// Sum over all shards' images, added in shard order. Checkpoints hold this sum, so that a run can resume with
  /// another number of shards.
  /// Collective: all ranks of the slot.
  double slot_sum() const;

 private:
  Ranks ranks_;        // of the slot
  torch::Tensor sum_;  // float64, on the device: a copy to the host would wait for the step
  std::int64_t images_ = 0;
};

}  // namespace pleat
