#include "train/fold_trainer.h"

#include <ATen/Context.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "batches/batch_loader.h"
#include "model/layers.h"
#include "model/tensor_file.h"
#include "target/temperature.h"
#include "train/best_weights.h"
#include "train/checkpoint.h"
#include "train/finite.h"
#include "train/job_error.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/sampling.h"
#include "train/schedule.h"
#include "train/step_runner.h"
#include "train/whitened_start.h"

namespace pleat {
namespace {

constexpr double kReportEvery = 2;  // seconds

class FoldTrainer {
 public:
  FoldTrainer(const FoldJob& job, const TrainContext& context);
  FoldResult run();

 private:
  RandomKey key_for(Purpose purpose) const;
  std::int64_t steps_of(std::int64_t epoch) const { return steps_of_epoch(job_.epoch_rows(), job_.train, epoch); }
  void continue_trunk();
  void resume();
  FoldResult predict();
  torch::Tensor outputs_of(const std::vector<std::int64_t>& rows);
  void fit_temperatures(std::vector<TargetCode>& codes);
  void train_epoch();
  void train_step(BatchLoader& loader);
  void choose();
  void stop_if_asked();
  void close_epoch();
  void save() const;
  bool leads() const { return context_.ranks.rank == 0; }

  const FoldJob& job_;
  const TrainContext& context_;
  std::int64_t steps_ = 1;  // of the current epoch
  std::int64_t done_ = 0;   // steps of the epochs before it
  const std::int64_t all_steps_;
  std::shared_ptr<Classifier> classifier_;
  std::optional<TrainedWeights> weights_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;  // none without train.ema
  std::optional<StepRunner> runner_;
  Checkpoint place_;                // its tensors are the model's and the optimizer's own, not copies
  EpochCut cut_;                    // of the current epoch
  EpochLoss loss_;                  // of the current epoch
  std::int64_t images_before_ = 0;  // images that earlier runs trained on
};

FoldTrainer::FoldTrainer(const FoldJob& job, const TrainContext& context)
    : job_(job), context_(context), all_steps_(steps_before(job.epoch_rows(), job.train, job.train.epochs)) {
  together(context.ranks, [&] {
    require_unchanged(job.model, job.files);
    as_job_error([&] {
      classifier_ =
          make_classifier(job.model, classifier_shape(context.crops.shape(), job.outputs()), key_for(Purpose::kInit));
      const bool starts_anew = job.shared.trunk.empty() && job.pseudo.initial_weights.empty();
      if (job.model.whiten && starts_anew) start_whitened(*classifier_, job, context.crops);
      if (job.train.norm_momentum != TrainConfig().norm_momentum)
        set_norm_momentum(*classifier_, job.train.norm_momentum);
      if (!job.pseudo.initial_weights.empty())
        load_state(*classifier_, tensors_from_bytes(job.pseudo.initial_weights, "the teacher's weights").tensors,
                   "the teacher's weights");
      place_on(*classifier_, context.device);
      weights_.emplace(*classifier_, rounds_weights(job, context.device));
      optimizer_ = make_optimizer(job.train, weights_->trained());
      if (job.train.ema > 0) average_.emplace(weights_->state(), job.train.ema);
    });
  });
  if (!job.shared.trunk.empty()) continue_trunk();
  resume();
  runner_.emplace(job, context, *classifier_, *weights_);
}

RandomKey FoldTrainer::key_for(Purpose purpose) const {
  RandomKey key = job_.random;
  key.purpose = purpose;
  key.epoch = static_cast<std::uint32_t>(place_.epoch);
  return key;
}

// The trunk's history stays its own.
void FoldTrainer::continue_trunk() {
  together(context_.ranks, [&] {
    const std::string source = "the trunk's state";
    const Checkpoint saved = parse_checkpoint(job_.shared.state, source);
    weights_->load(saved.model, source);
    optimizer_->load(saved.optimizer, source);
    if (average_) average_->load(saved.average, source);
    place_.epoch = saved.epoch;
  });
}

// The leader reads the checkpoint and sends its bytes to all shards, so only the leader needs access to the folder.
void FoldTrainer::resume() {
  FoundCheckpoint found = leads() ? find_checkpoint(context_.resume_folder, job_.key) : FoundCheckpoint{};
  found.bytes = context_.ranks.all_gather(found.bytes).front();
  together(context_.ranks, [&] {
    if (found.bytes.empty()) return;
    Checkpoint saved = parse_checkpoint(found.bytes, found.path);
    weights_->load(saved.model, found.path);
    optimizer_->load(saved.optimizer, found.path);
    if (average_) average_->load(saved.average, found.path);
    place_ = std::move(saved);
    if (leads())
      spdlog::info("resumes from {} (epoch {}, step {} of {})", found.path, place_.epoch + 1, place_.step,
                   steps_of(place_.epoch));
  });
  place_.model = weights_->state();
  place_.optimizer = optimizer_->state();
  if (average_) place_.average = average_->state();
  images_before_ = (place_.epoch - job_.shared.from) * job_.epoch_rows() + place_.running.images;
}

FoldResult FoldTrainer::run() {
  while (place_.epoch < job_.last_epoch() && !gave_up(job_.train, place_.best)) train_epoch();
  if (!job_.is_trunk()) return predict();
  FoldResult result{.history = place_.history, .kept_epoch = place_.epoch};
  if (!leads()) return result;
  Checkpoint state = place_;
  state.history.clear();  // its figures are of one run on one machine; the state is a function of the job alone
  result.state = checkpoint_to_bytes(state, job_.key);
  return result;
}

FoldResult FoldTrainer::predict() {
  // Replacing the weights loses nothing: the last checkpoint holds the last step's weights.
  if (job_.train.keep == "best")
    weights_->load(place_.best.weights, "the best epoch's weights");
  else if (average_)
    weights_->load(average_->state(), "the average of the weights");
  std::vector<TargetCode> codes = codes_of(job_);
  if (job_.predict.temperature) fit_temperatures(codes);
  const torch::Tensor outputs = outputs_of(job_.predict_rows);
  FoldResult result{.logits = split_logits(codes, outputs),
                    .normals = split_normals(codes, outputs),
                    .history = place_.history,
                    .kept_epoch = job_.train.keep == "best" ? place_.best.epoch : place_.epoch};
  for (const TargetCode& code : codes) result.temperatures.push_back(code.temperature);
  for (const auto& [name, tensor] : weights_->state()) result.weights.emplace_back(name, tensor.detach().cpu());
  return result;
}

// Collective, as outputs_of.
void FoldTrainer::fit_temperatures(std::vector<TargetCode>& codes) {
  const std::vector<torch::Tensor> logits = split_logits(codes, outputs_of(job_.inner_rows));
  for (std::size_t h = 0; h < codes.size(); ++h) {
    const InnerRows known = known_inner_rows(job_.heads[h], logits[h]);
    codes[h].temperature = fit_temperature(known.logits, known.labels);
  }
}

// Collective: each shard predicts its own batches. Returns all outputs on every shard.
torch::Tensor FoldTrainer::outputs_of(const std::vector<std::int64_t>& rows) {
  const PredictOptions options{.norm = job_.norm,
                               .bf16 = job_.train.precision == "bf16",
                               .flip = job_.predict.flip,
                               .shift = job_.predict.shift,
                               .device = context_.device,
                               .shard = context_.ranks.rank,
                               .shards = context_.ranks.size};
  torch::Tensor outputs;
  together(context_.ranks, [&] {
    as_job_error([&] { outputs = predict_logits(*classifier_, context_.crops, rows, job_.outputs(), options); });
  });
  if (context_.group) {
    std::vector<torch::Tensor> whole{outputs.to(context_.device)};
    context_.group->allreduce(whole)->wait();
    outputs = whole.front().cpu();
  }
  // The last step's loss belongs to the weights before that step, so only the outputs show whether it diverged.
  together(context_.ranks, [&] { require_finite_outputs(job_, context_.crops, rows, outputs); });
  return outputs;
}

void FoldTrainer::train_epoch() {
  const Clock::time_point start = Clock::now();
  EpochReport& running = place_.running;
  const double seconds_before = running.seconds, waited_before = running.waited_seconds;
  runner_->begin_epoch(place_.epoch);
  steps_ = steps_of(place_.epoch);
  done_ = steps_before(job_.epoch_rows(), job_.train, place_.epoch);
  cut_ = {epoch_order(job_, key_for(Purpose::kShuffle)), steps_, job_.train.micro_batches,
          epoch_passes(job_, place_.epoch)};
  loss_ = {running.loss, running.images, context_.ranks, context_.device};
  const std::unique_ptr<BatchLoader> loader = runner_->loader(cut_, place_.epoch, place_.step);
  Clock::time_point reported = start;
  while (place_.step < steps_) {
    stop_if_asked();
    train_step(*loader);
    ++place_.step;
    running.epoch = place_.epoch + 1;
    running.seconds = seconds_before + seconds_since(start);
    running.waited_seconds = waited_before + loader->waited_seconds();
    fault_point("step_done");
    if (leads() && place_.step < steps_ && seconds_since(reported) > kReportEvery) {
      reported = Clock::now();
      EpochReport shown = running;
      shown.loss = loss_.mean();
      // StepRunner ends the job if the loss is not finite: all shards check it at the same step.
      if (std::isfinite(shown.loss)) context_.progress({shown, place_.step, steps_, images_before_});
    }
  }
  close_epoch();
  if (job_.train.keep == "best") choose();
  save();
  if (leads()) context_.progress({place_.history.back(), steps_, steps_, images_before_});
}

void FoldTrainer::train_step(BatchLoader& loader) {
  const StepPlace place{place_.epoch, place_.step, steps_};
  runner_->run(loader, cut_, place, loss_);
  const std::int64_t done = done_ + place.step;
  place_.running.lr = learning_rate(job_.train, done, all_steps_);
  place_.running.images += static_cast<std::int64_t>(cut_.batch(place.step).size());
  runner_->move(*optimizer_, average_, place_.running.lr, done);
}

// Adds the epoch to the history and moves on to the next one.
void FoldTrainer::close_epoch() {
  EpochReport done = place_.running;
  done.loss = loss_.slot_sum() / static_cast<double>(done.images);
  place_.history.push_back(done);
  place_.running = {};
  place_.step = 0;
  ++place_.epoch;
}

// Scores this epoch's weights on the inner rows, or their average with train.ema, and keeps the best.
void FoldTrainer::choose() {
  NamedTensors training;
  if (average_) {
    for (const auto& [name, tensor] : weights_->state()) training.emplace_back(name, tensor.detach().clone());
    weights_->load(average_->state(), "the average of the weights");
  }
  const torch::Tensor outputs = outputs_of(job_.inner_rows);
  together(context_.ranks, [&] {
    const double score = inner_score(job_, outputs);
    place_.history.back().inner_score = score;
    consider(place_.best, place_.epoch, score, weights_->state());
  });
  if (average_) weights_->load(training, "the weights before");
}

void FoldTrainer::stop_if_asked() {
  if (runner_->all_agree(!context_.stop_requested())) return;
  place_.running.loss = loss_.slot_sum();
  // On a GPU the last losses may be unchecked. A diverged job must not write a checkpoint to resume from.
  if (place_.step > 0 && !std::isfinite(place_.running.loss))
    throw_bad_loss(job_, context_.crops, place_.running.loss, place_.epoch, place_.step - 1, steps_,
                   cut_.batch(place_.step - 1));
  save();
  throw StopRequested("stopped on request at epoch {}, step {} of {}; run the same command again to resume",
                      place_.epoch + 1, place_.step, steps_);
}

// Collective, although only the leader writes: if it alone threw (disk full), its peers would wait in all_reduce.
void FoldTrainer::save() const {
  on_rank_0(context_.ranks, [&] { save_checkpoint(context_.resume_folder, place_, job_.key); });
}

}  // namespace

FoldResult train_fold(const FoldJob& job, const TrainContext& context) {
  const FastConv convolutions(context.conv_plan);
  return FoldTrainer(job, context).run();
}

}  // namespace pleat
