// Learning-rate range test: a few training steps with a rising rate suggest a good learning rate.
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
  double loss = 0;      // mean loss of the step's batch, before the step
  double smoothed = 0;  // moving average of the losses so far
};

struct LrFinding {
  std::vector<LrPoint> curve;        // until the loss diverged
  std::optional<double> steepest;    // rate where the smoothed loss falls fastest
  std::optional<double> suggestion;  // a tenth of the rate with the lowest smoothed loss; none if the loss never falls
};

/// Trains the job from the start with a rate that rises exponentially. Stops when the smoothed loss rose four times as
/// far as it had fallen, or is not finite. Keeps nothing. Runs on one rank.
/// Throws: JobFailed if the first step fails.
/// Source: Smith 2015, arXiv:1506.01186.
LrFinding find_lr(const FoldJob& job, const TrainContext& context, const LrRange& range);

/// Sets `steepest` and `suggestion` from the curve. find_lr calls it.
void read_curve(LrFinding& finding);

}  // namespace pleat
