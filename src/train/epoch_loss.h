// An epoch's loss as it adds up, each shard's over its own images.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "base/ranks.h"

namespace pleat {

class EpochLoss {
 public:
  EpochLoss() = default;
  /// `sum` over `images` is what an earlier run had of the epoch, over the whole slot; shard 0 goes on from there.
  EpochLoss(double sum, std::int64_t images, const Ranks& slot, const torch::Device& device);

  /// `loss`: a part's, summed over its images and divided by `batch`.
  void add(const torch::Tensor& loss, std::int64_t images, std::int64_t batch);
  /// Mean over what this shard has seen.
  double mean() const;
  /// Collective: the sum over all shards' images, added in the shards' order. A checkpoint holds this, so that a later
  /// run may have another number of shards.
  double slot_sum() const;

 private:
  Ranks slot_;
  torch::Tensor sum_;  // float64, on the device: reading it would wait for the step
  std::int64_t images_ = 0;
};

}  // namespace pleat
