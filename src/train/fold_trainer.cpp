#include "train/fold_trainer.h"

#include <ATen/Context.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "cluster/gradient_sync.h"
#include "data/batch_loader.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/schedule.h"

namespace pleat {
namespace {

using JobFailed = ErrorOf<ExitCode::kSomeFailed>;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

NamedTensors trained_parameters(const Classifier& classifier) {
  NamedTensors parameters;
  for (const auto& item : classifier.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

std::vector<torch::Tensor> tensors_of(const NamedTensors& named) {
  std::vector<torch::Tensor> tensors;
  for (const auto& [name, tensor] : named) tensors.push_back(tensor);
  return tensors;
}

class FoldTrainer {
 public:
  FoldTrainer(const FoldJob& job, const TrainContext& context);
  FoldResult run();

 private:
  void resume();
  void train_epoch();
  void train_step(BatchLoader& loader, std::int64_t step);
  void train_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size);
  std::vector<BatchPlan> plan_epoch() const;
  std::pair<std::size_t, std::size_t> batch_bounds(std::int64_t step) const;
  void agree(const std::optional<Error>& mine);
  void stop_if_asked();
  void check_loss(const torch::Tensor& loss, std::int64_t step);
  void save() const;
  bool leads() const { return context_.slot.rank == 0; }

  const FoldJob& job_;
  const TrainContext& context_;
  const std::int64_t steps_;  // per epoch
  const bool bf16_;
  std::shared_ptr<Classifier> classifier_;
  NamedTensors parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<GradientSync> sync_;
  Checkpoint place_;  // the tensors in it are the model's and the optimizer's own
  std::vector<std::int64_t> order_;
  torch::Tensor loss_sum_;
  std::int64_t images_before_ = 0;  // trained on by an earlier run
};

FoldTrainer::FoldTrainer(const FoldJob& job, const TrainContext& context)
    : job_(job),
      context_(context),
      steps_(steps_per_epoch(job.train_rows.size(), job.train)),
      bf16_(job.train.precision == "bf16") {
  together(context.slot, [&] {
    RandomKey init = job.random;
    init.purpose = Purpose::kInit;
    classifier_ =
        make_classifier(job.model, {.channels = context.crops.shape().channels, .classes = job.classes}, init);
    place_on(*classifier_, context.device);
    parameters_ = trained_parameters(*classifier_);
    optimizer_ = make_optimizer(job.train, parameters_);
  });
  resume();
  sync_ = std::make_unique<GradientSync>(
      tensors_of(parameters_), classifier_->buffers(),
      GradientSyncOptions{
          .group = context.group, .micro_batches = static_cast<int>(job.train.micro_batches), .exact = job.exact});
}

// The leader reads the checkpoint and shares its bytes, so that the folder need not be seen by every shard.
void FoldTrainer::resume() {
  FoundCheckpoint found = leads() ? find_checkpoint(context_.resume_folder, job_.key) : FoundCheckpoint{};
  found.bytes = context_.slot.all_gather(found.bytes).front();
  together(context_.slot, [&] {
    if (found.bytes.empty()) return;
    const Checkpoint saved = parse_checkpoint(found.bytes, found.path);
    load_state(*classifier_, saved.model, found.path);
    optimizer_->load(saved.optimizer, found.path);
    place_ = {saved.epoch, saved.step, saved.running, saved.history, {}, {}};
    if (leads())
      spdlog::info("goes on from {} (epoch {}, step {} of {})", found.path, saved.epoch + 1, saved.step, steps_);
  });
  place_.model = state_of(*classifier_);
  place_.optimizer = optimizer_->state();
}

FoldResult FoldTrainer::run() {
  FoldResult result;
  result.resumed_epoch = place_.epoch;
  while (place_.epoch < job_.train.epochs) train_epoch();
  PredictOptions options{.norm = job_.norm,
                         .bf16 = bf16_,
                         .device = context_.device,
                         .shard = context_.slot.rank,
                         .shards = context_.slot.size};
  together(context_.slot, [&] {
    result.logits = predict_logits(*classifier_, context_.crops, job_.predict_rows, job_.classes, options);
  });
  if (context_.group) {
    std::vector<torch::Tensor> whole{result.logits.to(context_.device)};
    context_.group->allreduce(whole)->wait();
    result.logits = whole.front().cpu();
  }
  for (const auto& [name, tensor] : state_of(*classifier_)) result.weights.emplace_back(name, tensor.detach().cpu());
  result.history = place_.history;
  return result;
}

void FoldTrainer::train_epoch() {
  const Clock::time_point start = Clock::now();
  EpochReport& running = place_.running;
  const double seconds_before = running.seconds, waited_before = running.waited_seconds;
  classifier_->train();
  RandomKey key = job_.random;
  key.purpose = Purpose::kShuffle;
  key.epoch = static_cast<std::uint32_t>(place_.epoch);
  order_ = shuffled_positions(job_.train_rows.size(), key);
  loss_sum_ = at::full({}, running.loss, at::TensorOptions(at::kDouble).device(context_.device));

  BatchLoader loader(context_.crops,
                     {.norm = job_.norm,
                      .augment = job_.train.augment,
                      .training = true,
                      .key = job_.random,
                      .pinned = context_.device.is_cuda()},
                     plan_epoch());
  Clock::time_point reported = start;
  while (place_.step < steps_) {
    stop_if_asked();
    train_step(loader, place_.step);
    ++place_.step;
    running.epoch = place_.epoch + 1;
    running.seconds = seconds_before + seconds_since(start);
    running.waited_seconds = waited_before + loader.waited_seconds();
    fault_point("step_done");
    const bool last = place_.step == steps_;
    if (last || context_.stop_requested()) running.loss = loss_sum_.item<double>();
    if (leads() && !last && seconds_since(reported) > 10) {
      reported = Clock::now();
      EpochReport shown = running;
      shown.loss = loss_sum_.item<double>() / static_cast<double>(running.images);
      context_.progress({shown, place_.step, steps_, images_before_});
    }
  }
  EpochReport done = running;
  done.loss /= static_cast<double>(done.images);
  place_.history.push_back(done);
  running = {};
  place_.step = 0;
  ++place_.epoch;
  save();
  if (leads()) context_.progress({done, steps_, steps_, images_before_});
}

// [begin, end) of the shuffled positions that make up a step's batch, over all shards.
std::pair<std::size_t, std::size_t> FoldTrainer::batch_bounds(std::int64_t step) const {
  const auto steps = static_cast<std::size_t>(steps_), index = static_cast<std::size_t>(step);
  return {part_begin(order_.size(), steps, index), part_begin(order_.size(), steps, index + 1)};
}

// This shard's parts of the epoch's remaining batches, in the order in which they are walked.
std::vector<BatchPlan> FoldTrainer::plan_epoch() const {
  std::vector<BatchPlan> plans;
  const auto parts = static_cast<std::size_t>(job_.train.micro_batches);
  for (std::int64_t step = place_.step; step < steps_; ++step) {
    const auto [begin, end] = batch_bounds(step);
    for (int own = 0; own < sync_->part_count(); ++own) {
      const auto part = static_cast<std::size_t>(sync_->first_part() + own);
      BatchPlan plan{.epoch = static_cast<std::uint32_t>(place_.epoch)};
      for (std::size_t i = begin + part_begin(end - begin, parts, part);
           i < begin + part_begin(end - begin, parts, part + 1); ++i) {
        const auto position = static_cast<std::size_t>(order_[i]);
        plan.rows.push_back(job_.train_rows[position]);
        plan.labels.push_back(job_.train_labels[position]);
      }
      plans.push_back(std::move(plan));
    }
  }
  return plans;
}

void FoldTrainer::train_step(BatchLoader& loader, std::int64_t step) {
  const auto [begin, end] = batch_bounds(step);
  sync_->begin_step();
  for (int own = 0; own < sync_->part_count(); ++own) train_part(loader, step, sync_->first_part() + own, end - begin);
  sync_->end_step();
  const std::int64_t done = place_.epoch * steps_ + step;
  place_.running.lr = learning_rate(job_.train, done, job_.train.epochs * steps_);
  place_.running.images += static_cast<std::int64_t>(end - begin);
  optimizer_->step(place_.running.lr);
}

void FoldTrainer::train_part(BatchLoader& loader, std::int64_t step, int part, std::size_t batch_size) {
  sync_->begin_part();
  torch::Tensor loss;
  std::optional<Error> error;
  try {
    const Batch batch = loader.next();
    // Networks that draw (dropout) draw from torch's generator: the same numbers for the same part, on any rank.
    RandomKey key = job_.random;
    key.purpose = Purpose::kNetwork;
    key.epoch = static_cast<std::uint32_t>(place_.epoch);
    key.step = static_cast<std::uint32_t>(step);
    key.part = static_cast<std::uint32_t>(part);
    torch::manual_seed(RandomStream(key).next64());
    const torch::Tensor logits = forward_logits(*classifier_, batch.images.to(context_.device, true), bf16_);
    loss = part_loss(logits, batch.labels.to(context_.device, true), job_.train.label_smoothing,
                     static_cast<std::int64_t>(batch_size));
    check_loss(loss, step);
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::exception& failure) {
    error.emplace(ExitCode::kSomeFailed, failure.what());
  }
  // Peers agree on success before backward: a rank that threw here would leave the others waiting in all_reduce.
  agree(error);
  sync_->backward(loss);
  loss_sum_ += loss.detach() * static_cast<double>(batch_size);
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
  place_.running.loss = loss_sum_.item<double>();
  save();
  throw StopRequested("stopped on request at epoch {}, step {} of {}; run the same command again to go on",
                      place_.epoch + 1, place_.step, steps_);
}

// On a GPU each look waits for all work in flight, so it looks less often there.
void FoldTrainer::check_loss(const torch::Tensor& loss, std::int64_t step) {
  constexpr std::int64_t kGpuSteps = 32;
  if (context_.device.is_cuda() && step % kGpuSteps != 0 && step + 1 != steps_) return;
  if (std::isfinite(loss.item<float>())) return;
  const auto [begin, end] = batch_bounds(step);
  std::vector<std::string> ids;
  for (std::size_t i = begin; i < std::min(end, begin + 5); ++i) {
    const auto row = static_cast<std::size_t>(job_.train_rows[static_cast<std::size_t>(order_[i])]);
    ids.push_back(context_.crops.table().column("id")[row]);
  }
  throw JobFailed(
      "the loss is not finite at epoch {}, step {} of {} (batch of {}: {} …); lower train.lr ({}) or set "
      "train.precision=fp32",
      place_.epoch + 1, step + 1, steps_, end - begin, fmt::join(ids, ", "), job_.train.lr);
}

void FoldTrainer::save() const {
  if (leads()) save_checkpoint(context_.resume_folder, place_, job_.key);
}

}  // namespace

FoldResult train_fold(const FoldJob& job, const TrainContext& context) { return FoldTrainer(job, context).run(); }

std::int64_t steps_per_epoch(std::size_t rows, const TrainConfig& config) {
  const auto batch = static_cast<std::size_t>(config.batch);
  return static_cast<std::int64_t>((rows + batch - 1) / batch);
}

}  // namespace pleat
