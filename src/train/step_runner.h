// One optimizer step: its parts forward and back, shards agreeing before each, gradients summed, weights moved.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "cluster/gradient_sync.h"
#include "data/batch_loader.h"
#include "model/weight_average.h"
#include "train/epoch_cut.h"
#include "train/epoch_loss.h"
#include "train/fold_job.h"
#include "train/job_loss.h"
#include "train/optimizer.h"
#include "train/train_context.h"

namespace pleat {

/// A step's place: epoch and step of `steps` in it, from 0.
struct StepPlace {
  std::int64_t epoch = 0, step = 0, steps = 1;
};

class StepRunner {
 public:
  /// All must outlive it. Collective over the slot; the weights become shard 0's on every shard.
  StepRunner(const FoldJob& job, const TrainContext& context, Classifier& classifier, const TrainedWeights& weights);

  /// Sets which parameters learn in this epoch, the last layer's alone while the rest is as it predicts, or all
  /// (train.freeze_epochs), and the network's mode. Collective.
  void begin_epoch(std::int64_t epoch);
  /// This shard's parts of the epoch's batches from `step` on.
  std::unique_ptr<BatchLoader> loader(const EpochCut& cut, std::int64_t epoch, std::int64_t step) const;

  int first_part() const { return sync_->first_part(); }
  int part_count() const { return sync_->part_count(); }
  /// True if every shard passes true (GradientSync::all_agree).
  bool all_agree(bool ok) { return sync_->all_agree(ok); }

  /// Walks this shard's parts of the step, whose batches `loader` gives next, adding to `loss`. Throws JobFailed on
  /// every shard for a loss that is not finite or has run away.
  void run(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, EpochLoss& loss);
  /// Moves the weights by the gradients of the last run: clipped, at this rate, then into the average. `done`: steps
  /// before this one, over all epochs.
  void move(Optimizer& optimizer, std::optional<WeightAverage>& average, double lr, std::int64_t done);

 private:
  void set_frozen(bool frozen);
  RandomKey key_for(Purpose purpose, const StepPlace& place, int part) const;
  Batch next_batch(BatchLoader& loader, const StepPlace& place, int part);
  torch::Tensor forward_part(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, int part);
  void run_part(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, int part, EpochLoss& loss);
  void agree(const std::optional<Error>& mine);
  void check_loss(const torch::Tensor& loss, const EpochCut& cut, const StepPlace& place, std::int64_t part_rows);

  const FoldJob& job_;
  const TrainContext& context_;
  Classifier& classifier_;
  const TrainedWeights& weights_;
  const JobLoss loss_of_;
  const bool bf16_;
  bool frozen_ = false;
  std::vector<torch::Tensor> learning_;  // what gradients arrive at
  std::unique_ptr<GradientSync> sync_;
};

}  // namespace pleat
