// The learning rate that a job would do well with, by a test of a few steps in which the rate rises.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "train/fold_job.h"
#include "train/train_context.h"

namespace pleat {

struct LrRange {
  double from = 1e-7, to = 10.0;
  std::int64_t steps = 100;
};

struct LrPoint {
  double lr = 0;
  double loss = 0;      // of the step's batch, before it
  double smoothed = 0;  // over the steps so far
};

struct LrFinding {
  std::vector<LrPoint> curve;        // as far as the loss let it go
  std::optional<double> steepest;    // where the smoothed loss falls fastest
  std::optional<double> suggestion;  // a tenth of the rate at its least; none if it never falls
};

/// Trains the job from its beginning with a rate that rises evenly in its logarithm; ends where the smoothed loss has
/// risen four times as far as it had fallen, or is not finite. Nothing is kept. One rank. Source: Smith 2015,
/// arXiv:1506.01186.
LrFinding find_lr(const FoldJob& job, const TrainContext& context, const LrRange& range);

/// What the curve tells; find_lr fills in by this.
void read_curve(LrFinding& finding);

}  // namespace pleat
