#include "train/step_runner.h"

#include <algorithm>
#include <cmath>

#include "batches/batch_augment.h"
#include "train/finite.h"
#include "train/gradient_clip.h"
#include "train/image_size.h"
#include "train/job_error.h"
#include "train/precision.h"

namespace pleat {

StepRunner::StepRunner(const FoldJob& job, const TrainContext& context, Classifier& classifier,
                       const TrainedWeights& weights)
    : job_(job),
      context_(context),
      classifier_(classifier),
      weights_(weights),
      loss_of_(job, context.device),
      bf16_(job.train.precision == "bf16") {
  set_frozen(false);
}

// GradientSync waits for a gradient of each of its parameters, so a new set of parameters needs a new GradientSync.
void StepRunner::set_frozen(bool frozen) {
  if (sync_ && frozen == frozen_) return;
  frozen_ = frozen;
  const std::vector<std::string> head = classifier_.head_parameters();
  learning_.clear();
  for (const TrainedParameter& parameter : weights_.trained()) {
    const bool learns = !frozen || std::find(head.begin(), head.end(), parameter.name) != head.end();
    torch::Tensor(parameter.network).set_requires_grad(learns);
    torch::Tensor(parameter.network).mutable_grad().reset();
    if (learns) learning_.push_back(parameter.network);
  }
  sync_.reset();
  sync_ = std::make_unique<GradientSync>(
      learning_, classifier_.buffers(),
      GradientSyncOptions{
          .group = context_.group, .micro_batches = static_cast<int>(job_.train.micro_batches), .exact = job_.exact});
}

void StepRunner::begin_epoch(std::int64_t epoch) {
  set_frozen(epoch < job_.train.freeze_epochs);
  if (frozen_)
    classifier_.eval();
  else
    classifier_.train();
}

std::unique_ptr<BatchLoader> StepRunner::loader(const EpochCut& cut, std::int64_t epoch, std::int64_t step) const {
  return std::make_unique<BatchLoader>(
      context_.crops,
      LoaderOptions{.norm = job_.norm,
                    .augment = job_.train.augment,
                    .pseudo_augment = job_.pseudo.augment,
                    .training = true,
                    .key = job_.random,
                    .shape = epoch_image_size(job_.train, epoch, context_.crops.shape()),
                    .pinned = context_.device.is_cuda()},
      batch_plans(cut, step, sync_->first_part(), sync_->part_count(), job_.train_rows, job_.pseudo.rows, epoch));
}

RandomKey StepRunner::key_for(Purpose purpose, const StepPlace& place, int part) const {
  RandomKey key = job_.random;
  key.purpose = purpose;
  key.epoch = static_cast<std::uint32_t>(place.epoch);
  key.step = static_cast<std::uint32_t>(place.step);
  key.part = static_cast<std::uint32_t>(part);
  return key;
}

void StepRunner::run(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, EpochLoss& loss) {
  sync_->begin_step();
  for (int own = 0; own < part_count(); ++own) run_part(loader, cut, place, first_part() + own, loss);
  sync_->end_step();
}

void StepRunner::move(Optimizer& optimizer, std::optional<WeightAverage>& average, double lr, std::int64_t done) {
  as_job_error_alone(context_.ranks, [&] {
    if (job_.train.clip > 0.0) clip_gradients(learning_, job_.train.clip);
    optimizer.step(lr);
    if (average) average->update(done);
  });
}

Batch StepRunner::next_batch(BatchLoader& loader, const StepPlace& place, int part) {
  Batch batch = loader.next();
  batch.images = batch.images.to(context_.device, /*non_blocking=*/true);
  augment_batch({job_.train.augment, job_.norm, {key_for(Purpose::kPixels, place, part), batch.rows}}, batch,
                job_.pseudo.augment ? &*job_.pseudo.augment : nullptr);
  return batch;
}

torch::Tensor StepRunner::forward_part(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, int part) {
  const Batch batch = next_batch(loader, place, part);
  // Dropout draws from torch's generator. Seeded by the part, it draws the same numbers on any rank.
  torch::manual_seed(RandomStream(key_for(Purpose::kNetwork, place, part)).next64());
  const torch::Tensor outputs = forward_logits(classifier_, batch.images, bf16_);
  const auto positions = cut.part(place.step, part);
  const torch::Tensor loss =
      loss_of_(outputs, positions, batch, static_cast<std::int64_t>(cut.batch(place.step).size()));
  check_loss(loss, cut, place, static_cast<std::int64_t>(positions.size()));
  return loss;
}

void StepRunner::run_part(BatchLoader& loader, const EpochCut& cut, const StepPlace& place, int part, EpochLoss& sum) {
  sync_->begin_part();
  torch::Tensor loss;
  std::optional<Error> error;
  try {
    as_job_error([&] { loss = forward_part(loader, cut, place, part); });
  } catch (const Error& failure) {
    error = failure;
  }
  // Peers agree on success before backward: a rank that threw here would leave the others waiting in all_reduce.
  agree(error);
  as_job_error_alone(context_.ranks, [&] { sync_->backward(loss); });
  sum.add(loss, static_cast<std::int64_t>(cut.part(place.step, part).size()),
          static_cast<std::int64_t>(cut.batch(place.step).size()));
}

// Throws the first shard's error on every shard, if any has one.
void StepRunner::agree(const std::optional<Error>& mine) {
  if (sync_->all_agree(!mine)) return;
  if (context_.ranks.size == 1) throw *mine;
  throw_first(context_.ranks, mine);
  throw ClusterError("a shard of this job failed without an error message");
}

// Reading the loss waits for all queued work on a GPU, so only some steps are checked there.
void StepRunner::check_loss(const torch::Tensor& loss, const EpochCut& cut, const StepPlace& place,
                            std::int64_t part_rows) {
  constexpr std::int64_t kGpuSteps = 32;
  if (context_.device.is_cuda() && place.step % kGpuSteps != 0 && place.step + 1 != place.steps) return;
  const std::span<const std::int64_t> batch = cut.batch(place.step);
  const double of_a_row = loss.item<double>() * static_cast<double>(batch.size()) / static_cast<double>(part_rows);
  if (std::isfinite(of_a_row) && of_a_row < kMostLoss) return;
  throw_bad_loss(job_, context_.crops, of_a_row, place.epoch, place.step, place.steps, batch);
}

}  // namespace pleat
