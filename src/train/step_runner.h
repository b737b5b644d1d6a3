// Runs optimizer steps: forward and backward for each part, sum of gradients, update of the weights.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "batches/batch_loader.h"
#include "cluster/gradient_sync.h"
#include "train/epoch_cut.h"
#include "train/epoch_loss.h"
#include "train/fold_job.h"
#include "train/job_loss.h"
#include "train/optimizer.h"
#include "train/train_context.h"
#include "train/weight_average.h"

namespace pleat {

/// Epoch and step from 0; the epoch has `steps` steps.
struct StepPlace {
  std::int64_t epoch = 0, step = 0, steps = 1;
};

class StepRunner {
 public:
  /// Gives every shard the weights of shard 0.
  /// Collective: all ranks of the slot.
  /// Requires: all arguments outlive the runner.
  StepRunner(const FoldJob& job, const TrainContext& context, Classifier& classifier, const TrainedWeights& weights);

  /// Sets the network's mode and the parameters that train. In the first train.freeze_epochs epochs only the last layer
  /// trains, and the rest stays in evaluation mode.
  /// Collective: all ranks of the slot.
  void begin_epoch(std::int64_t epoch);
  /// Loader for this shard's parts of the epoch's batches, from `step` on.
  std::unique_ptr<BatchLoader> loader(const EpochCut& cut, std::int64_t epoch, std::int64_t step) const;

  int first_part() const { return sync_->first_part(); }
  int part_count() const { return sync_->part_count(); }
  /// True if every shard passes true (GradientSync::all_agree).
  bool all_agree(bool ok) { return sync_->all_agree(ok); }

  /// Runs this shard's parts of a step forward and backward, sums the gradients and adds to `loss`.
  /// Collective: all ranks of the slot. Shards agree on errors before each backward.
  /// Requires: the next batches of `loader` are this step's.
  /// Throws: JobFailed on every shard if the loss is not finite or diverged.
  void run(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, EpochLoss& loss);
  /// Clips the gradients of the last run, updates the weights, then their average.
  ///   done: steps before this one, over all epochs
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
  std::vector<torch::Tensor> learning_;  // tensors that receive gradients
  std::unique_ptr<GradientSync> sync_;
};

}  // namespace pleat
