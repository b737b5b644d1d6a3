#include "train/fold_trainer.h"

#include <ATen/Context.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "cluster/gradient_sync.h"
#include "data/batch_augment.h"
#include "data/batch_loader.h"
#include "model/weight_average.h"
#include "train/epoch_cut.h"
#include "train/epoch_loss.h"
#include "train/finite.h"
#include "train/image_size.h"
#include "train/job_error.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/schedule.h"
#include "train/trained_weights.h"

namespace pleat {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class FoldTrainer {
 public:
  FoldTrainer(const FoldJob& job, const TrainContext& context);
  FoldResult run();

 private:
  RandomKey key_for(Purpose purpose, std::int64_t step = 0, int part = 0) const;
  void resume();
  torch::Tensor predict();
  void train_epoch();
  void train_step(BatchLoader& loader, std::int64_t step);
  void train_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size);
  Batch next_batch(BatchLoader& loader, std::int64_t step, int part);
  torch::Tensor forward_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size);
  void agree(const std::optional<Error>& mine);
  void stop_if_asked();
  void check_loss(const torch::Tensor& loss, std::int64_t step);
  EpochReport close_epoch();
  void save() const;
  bool leads() const { return context_.slot.rank == 0; }

  const FoldJob& job_;
  const TrainContext& context_;
  const std::int64_t steps_;  // per epoch
  const bool bf16_;
  std::shared_ptr<Classifier> classifier_;
  std::optional<TrainedWeights> weights_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;  // none without train.ema
  std::unique_ptr<GradientSync> sync_;
  Checkpoint place_;  // the tensors in it are the model's and the optimizer's own
  EpochCut cut_;      // of the epoch that runs, as is:
  EpochLoss loss_;
  std::int64_t images_before_ = 0;  // trained on by an earlier run
};

FoldTrainer::FoldTrainer(const FoldJob& job, const TrainContext& context)
    : job_(job),
      context_(context),
      steps_(steps_per_epoch(job.train_rows.size(), job.train)),
      bf16_(job.train.precision == "bf16") {
  together(context.slot, [&] {
    require_unchanged(job.model, job.files);
    as_job_error([&] {
      classifier_ =
          make_classifier(job.model, classifier_shape(context.crops.shape(), job.classes), key_for(Purpose::kInit));
      place_on(*classifier_, context.device);
      weights_.emplace(*classifier_, rounds_weights(job, context.device));
      optimizer_ = make_optimizer(job.train, weights_->trained());
      if (job.train.ema > 0) average_.emplace(weights_->state(), job.train.ema);
    });
  });
  resume();
  sync_ = std::make_unique<GradientSync>(
      weights_->networks(), classifier_->buffers(),
      GradientSyncOptions{
          .group = context.group, .micro_batches = static_cast<int>(job.train.micro_batches), .exact = job.exact});
}

RandomKey FoldTrainer::key_for(Purpose purpose, std::int64_t step, int part) const {
  RandomKey key = job_.random;
  key.purpose = purpose;
  key.epoch = static_cast<std::uint32_t>(place_.epoch);
  key.step = static_cast<std::uint32_t>(step);
  key.part = static_cast<std::uint32_t>(part);
  return key;
}

// The leader reads the checkpoint and shares its bytes, so that the folder need not be seen by every shard.
void FoldTrainer::resume() {
  FoundCheckpoint found = leads() ? find_checkpoint(context_.resume_folder, job_.key) : FoundCheckpoint{};
  found.bytes = context_.slot.all_gather(found.bytes).front();
  together(context_.slot, [&] {
    if (found.bytes.empty()) return;
    const Checkpoint saved = parse_checkpoint(found.bytes, found.path);
    weights_->load(saved.model, found.path);
    optimizer_->load(saved.optimizer, found.path);
    if (average_) average_->load(saved.average, found.path);
    place_ = {.epoch = saved.epoch, .step = saved.step, .running = saved.running, .history = saved.history};
    if (leads())
      spdlog::info("goes on from {} (epoch {}, step {} of {})", found.path, saved.epoch + 1, saved.step, steps_);
  });
  place_.model = weights_->state();
  place_.optimizer = optimizer_->state();
  if (average_) place_.average = average_->state();
  images_before_ = place_.epoch * static_cast<std::int64_t>(job_.train_rows.size()) + place_.running.images;
}

FoldResult FoldTrainer::run() {
  while (place_.epoch < job_.train.epochs) train_epoch();
  // The last steps' weights are in the last checkpoint, should this be as far as it gets.
  if (average_) weights_->load(average_->state(), "the average of the weights");
  FoldResult result{.logits = predict(), .history = place_.history};
  for (const auto& [name, tensor] : weights_->state()) result.weights.emplace_back(name, tensor.detach().cpu());
  return result;
}

// Each shard predicts its batches; all get the whole.
torch::Tensor FoldTrainer::predict() {
  const PredictOptions options{.norm = job_.norm,
                               .bf16 = bf16_,
                               .flip = job_.predict.flip,
                               .shift = job_.predict.shift,
                               .device = context_.device,
                               .shard = context_.slot.rank,
                               .shards = context_.slot.size};
  torch::Tensor logits;
  together(context_.slot, [&] {
    as_job_error(
        [&] { logits = predict_logits(*classifier_, context_.crops, job_.predict_rows, job_.classes, options); });
  });
  if (context_.group) {
    std::vector<torch::Tensor> whole{logits.to(context_.device)};
    context_.group->allreduce(whole)->wait();
    logits = whole.front().cpu();
  }
  // The last step's loss was that of the weights before it, so weights may explode unseen. Every shard has all logits.
  together(context_.slot, [&] { require_finite_logits(job_, context_.crops, logits); });
  return logits;
}

void FoldTrainer::train_epoch() {
  const Clock::time_point start = Clock::now();
  EpochReport& running = place_.running;
  const double seconds_before = running.seconds, waited_before = running.waited_seconds;
  classifier_->train();
  cut_ = {shuffled_positions(job_.train_rows.size(), key_for(Purpose::kShuffle)), steps_, job_.train.micro_batches};
  loss_ = {running.loss, running.images, context_.slot, context_.device};

  BatchLoader loader(context_.crops,
                     {.norm = job_.norm,
                      .augment = job_.train.augment,
                      .training = true,
                      .key = job_.random,
                      .shape = epoch_image_size(job_.train, place_.epoch, context_.crops.shape()),
                      .pinned = context_.device.is_cuda()},
                     batch_plans(cut_, place_.step, sync_->first_part(), sync_->part_count(), job_.train_rows,
                                 job_.train_labels, place_.epoch));
  Clock::time_point reported = start;
  while (place_.step < steps_) {
    stop_if_asked();
    train_step(loader, place_.step);
    ++place_.step;
    running.epoch = place_.epoch + 1;
    running.seconds = seconds_before + seconds_since(start);
    running.waited_seconds = waited_before + loader.waited_seconds();
    fault_point("step_done");
    if (leads() && place_.step < steps_ && seconds_since(reported) > 10) {
      reported = Clock::now();
      EpochReport shown = running;
      shown.loss = loss_.mean();
      // A loss that is not finite ends the job when all shards look at it (check_loss).
      if (std::isfinite(shown.loss)) context_.progress({shown, place_.step, steps_, images_before_});
    }
  }
  const EpochReport done = close_epoch();
  save();
  if (leads()) context_.progress({done, steps_, steps_, images_before_});
}

// The epoch enters the history, and the place is the next one's beginning.
EpochReport FoldTrainer::close_epoch() {
  EpochReport done = place_.running;
  done.loss = loss_.slot_sum() / static_cast<double>(done.images);
  place_.history.push_back(done);
  place_.running = {};
  place_.step = 0;
  ++place_.epoch;
  return done;
}

void FoldTrainer::train_step(BatchLoader& loader, std::int64_t step) {
  const std::size_t batch_size = cut_.batch(step).size();
  sync_->begin_step();
  for (int own = 0; own < sync_->part_count(); ++own) train_part(loader, step, sync_->first_part() + own, batch_size);
  sync_->end_step();
  const std::int64_t done = place_.epoch * steps_ + step;
  place_.running.lr = learning_rate(job_.train, done, job_.train.epochs * steps_);
  place_.running.images += static_cast<std::int64_t>(batch_size);
  as_job_error_alone(context_.slot, [&] {
    optimizer_->step(place_.running.lr);
    if (average_) average_->update(done);
  });
}

Batch FoldTrainer::next_batch(BatchLoader& loader, std::int64_t step, int part) {
  Batch batch = loader.next();
  batch.images = batch.images.to(context_.device, /*non_blocking=*/true);
  batch.labels = batch.labels.to(context_.device, /*non_blocking=*/true);
  augment_batch({job_.train.augment, job_.norm, {key_for(Purpose::kPixels, step, part), batch.rows}}, batch);
  return batch;
}

torch::Tensor FoldTrainer::forward_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size) {
  const Batch batch = next_batch(loader, step, part);
  // Networks that draw (dropout) draw from torch's generator: the same numbers for the same part, on any rank.
  torch::manual_seed(RandomStream(key_for(Purpose::kNetwork, step, part)).next64());
  const torch::Tensor logits = forward_logits(*classifier_, batch.images, bf16_);
  const torch::Tensor loss =
      part_loss(logits, batch, job_.train.label_smoothing, static_cast<std::int64_t>(batch_size));
  check_loss(loss, step);
  return loss;
}

void FoldTrainer::train_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size) {
  sync_->begin_part();
  torch::Tensor loss;
  std::optional<Error> error;
  try {
    as_job_error([&] { loss = forward_part(loader, step, part, batch_size); });
  } catch (const Error& failure) {
    error = failure;
  }
  // Peers agree on success before backward: a rank that threw here would leave the others waiting in all_reduce.
  agree(error);
  as_job_error_alone(context_.slot, [&] { sync_->backward(loss); });
  loss_.add(loss, static_cast<std::int64_t>(cut_.part(step, part).size()), static_cast<std::int64_t>(batch_size));
}

// Throws the first shard's error on every shard, if any has one.
void FoldTrainer::agree(const std::optional<Error>& mine) {
  if (sync_->all_agree(!mine)) return;
  if (context_.slot.size == 1) throw *mine;
  throw_first(context_.slot.all_gather(mine ? fmt::format("{} {}", static_cast<int>(mine->code()), mine->what()) : ""));
  throw ClusterError("a shard of this job failed without a word");
}

void FoldTrainer::stop_if_asked() {
  if (sync_->all_agree(!context_.stop_requested())) return;
  place_.running.loss = loss_.slot_sum();
  // On a GPU it may not have been looked at yet; weights that are lost already must not be gone on from.
  if (place_.step > 0 && !std::isfinite(place_.running.loss))
    throw_loss_not_finite(job_, context_.crops, place_.epoch, place_.step - 1, steps_, cut_.batch(place_.step - 1));
  save();
  throw StopRequested("stopped on request at epoch {}, step {} of {}; run the same command again to go on",
                      place_.epoch + 1, place_.step, steps_);
}

// On a GPU each look waits for all work in flight, so it looks less often there.
void FoldTrainer::check_loss(const torch::Tensor& loss, std::int64_t step) {
  constexpr std::int64_t kGpuSteps = 32;
  if (context_.device.is_cuda() && step % kGpuSteps != 0 && step + 1 != steps_) return;
  if (!std::isfinite(loss.item<float>()))
    throw_loss_not_finite(job_, context_.crops, place_.epoch, step, steps_, cut_.batch(step));
}

// A disk that is full is found by the leader alone; its peers would wait for it in the next step's collective.
void FoldTrainer::save() const {
  together(context_.slot, [&] {
    if (leads()) save_checkpoint(context_.resume_folder, place_, job_.key);
  });
}

}  // namespace

bool rounds_weights(const FoldJob& job, const torch::Device& device) {
  return device.is_cpu() && job.train.precision == "bf16" && job.train.micro_batches == 1 && !job.exact;
}

FoldResult train_fold(const FoldJob& job, const TrainContext& context) {
  const FastConv convolutions(context.conv_plan);
  return FoldTrainer(job, context).run();
}

}  // namespace pleat
