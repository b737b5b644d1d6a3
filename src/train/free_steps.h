// Training steps of a job outside of a run: for a learning-rate test, or to measure their time. Keeps nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "train/sampling.h"
#include "train/step_runner.h"

namespace pleat {

class FreeSteps {
 public:
  /// A new network at its first step. Runs on one rank.
  FreeSteps(const FoldJob& job, const TrainContext& context);

  /// Trains one step at `lr`. Returns the batch's mean loss before the step.
  ///   number: from 0, one after another
  double step(std::int64_t number, double lr);

 private:
  void begin_epoch(std::int64_t epoch);

  const FoldJob& job_;
  const TrainContext& context_;
  const std::int64_t steps_;
  std::shared_ptr<Classifier> classifier_;
  std::optional<TrainedWeights> weights_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<StepRunner> runner_;
  EpochCut cut_;
  std::unique_ptr<BatchLoader> loader_;
};

/// Seconds of one training step of the job on this process's threads: the median of three, after two that warm up.
double measure_step(const FoldJob& job, const TrainContext& context);

}  // namespace pleat
