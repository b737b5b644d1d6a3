#include "train/memory_estimate.h"

#include <ATen/ops/randn.h>
#include <c10/core/Allocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "batches/batch_loader.h"
#include "train/job_loss.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/trained_weights.h"
#include "train/weight_average.h"

namespace pleat {
namespace {

// Records every allocation and release of tensor memory on this thread.
class MemoryTrace : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    now_ += bytes;
    after_.push_back(now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  /// Bytes in use after each allocation or release.
  const std::vector<std::int64_t>& after() const { return after_; }

 private:
  std::int64_t now_ = 0;
  std::vector<std::int64_t> after_;
};

std::int64_t bytes_of(const NamedTensors& tensors) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

// Bytes of all gradients, and of the bfloat16 copies of the weights.
std::int64_t gradient_bytes(const TrainedWeights& weights) {
  std::int64_t bytes = 0;
  for (const TrainedParameter& each : weights.trained())
    bytes += static_cast<std::int64_t>(each.network.nbytes()) * (each.rounded() ? 2 : 1);
  return bytes;
}

torch::Tensor images_like(const ImageShape& shape, std::int64_t count) {
  return at::randn({count, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast);
}

struct StepBytes {
  std::int64_t weights, gradients, optimizer, average;
  std::vector<std::int64_t> trace;
};

StepBytes step_with(const FoldJob& job, const ImageShape& shape, std::int64_t images) {
  const auto trace = std::make_shared<MemoryTrace>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, trace);
  const auto classifier = make_classifier(job.model, classifier_shape(shape, job.outputs()), job.random);
  place_on(*classifier, at::kCPU);
  classifier->train();
  const TrainedWeights weights(*classifier, rounds_weights(job, at::kCPU));
  const auto optimizer = make_optimizer(job.train, weights.trained());
  std::optional<WeightAverage> average;
  if (job.train.ema > 0) average.emplace(weights.state(), job.train.ema);
  const torch::Tensor batch = images_like(shape, images);
  const std::vector<std::int64_t> first(static_cast<std::size_t>(images), 0);
  const JobLoss loss(job, at::kCPU);
  loss(forward_logits(*classifier, batch, job.train.precision == "bf16"), first, {}, images).backward();
  optimizer->step(0.0);
  if (average) average->update(0);
  return {bytes_of(weights.state()), gradient_bytes(weights), bytes_of(optimizer->state()),
          average ? bytes_of(average->state()) : 0, trace->after()};
}

struct PredictionBytes {
  std::int64_t weights;
  std::vector<std::int64_t> trace;  // without the weights
};

PredictionBytes prediction_with(const ModelConfig& model, const ImageShape& shape, int outputs, bool bf16,
                                std::int64_t images) {
  const auto classifier = make_classifier(model, classifier_shape(shape, outputs), {});
  place_on(*classifier, at::kCPU);
  classifier->eval();
  const c10::InferenceMode inference;
  const auto trace = std::make_shared<MemoryTrace>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, trace);
  forward_logits(*classifier, images_like(shape, images), bf16);
  return {bytes_of(state_of(*classifier)), trace->after()};
}

// The steps to measure. Activations grow with the area of an image, so large images are measured as smaller ones.
struct Sample {
  ImageShape shape;
  std::int64_t few, more;  // images of the two steps
  double weight;           // measured images that one image counts as
};

// `images`: of the real step, which the sample does not exceed.
Sample sample_for(const ModelConfig& model, const ImageShape& full, std::int64_t images, Accuracy accuracy) {
  constexpr int kLargeSide = 256;
  const std::int64_t area = std::int64_t{full.height} * full.width, large = kLargeSide * kLargeSide;
  constexpr std::int64_t kFew = 2, kMany = 16;
  const std::int64_t few =
      accuracy == Accuracy::kRough || area > large ? kFew : std::clamp<std::int64_t>(images / 2, kFew, kMany);
  Sample sample{.shape = full, .few = few, .more = 2 * few, .weight = 1};
  if (area <= large || !model.script.empty()) return sample;  // a script may take one size alone
  const double scale = std::sqrt(double(large) / double(area));
  sample.shape.height = std::max(32, static_cast<int>(full.height * scale));
  sample.shape.width = std::max(32, static_cast<int>(full.width * scale));
  sample.weight = double(area) / double(std::int64_t{sample.shape.height} * sample.shape.width);
  return sample;
}

double line_through(double few, double more, const Sample& sample, double images) {
  return few + (more - few) * (images * sample.weight - double(sample.few)) / double(sample.more - sample.few);
}

// Extrapolates every event of a step linearly in the number of images, then takes the maximum. Not the other way round:
// the peak moves with the batch size. Few images peak at the end of backward (gradients), many before (activations).
// Some networks allocate differently for different batch sizes. For those, the maximum itself is extrapolated.
std::int64_t peak_with(std::int64_t images, const Sample& sample, const std::vector<std::int64_t>& few,
                       const std::vector<std::int64_t>& more) {
  const auto at = [&](std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(line_through(double(a), double(b), sample, double(images)));
  };
  const auto most = [](const std::vector<std::int64_t>& bytes) {
    return *std::max_element(bytes.begin(), bytes.end());
  };
  if (few.size() != more.size()) return std::max(most(few), at(most(few), most(more)));
  std::int64_t peak = 0;
  for (std::size_t i = 0; i < few.size(); ++i) peak = std::max(peak, at(few[i], more[i]));
  return peak;
}

// Batches in memory besides the one of the step: those read ahead, and a copy by augmentation.
std::int64_t waiting_bytes(const ImageShape& shape, std::int64_t images) {
  constexpr std::int64_t kAugmented = 1;
  return (LoaderOptions{}.ahead + kAugmented) * images * static_cast<std::int64_t>(shape.bytes() * sizeof(float));
}

std::int64_t activations_of_prediction(const ModelConfig& model, const ImageShape& shape, int outputs, bool bf16,
                                       Accuracy accuracy, std::int64_t* weights) {
  const std::int64_t images = prediction_batch(shape);
  const Sample sample = sample_for(model, shape, images, accuracy);
  const PredictionBytes few = prediction_with(model, sample.shape, outputs, bf16, sample.few);
  const PredictionBytes more = prediction_with(model, sample.shape, outputs, bf16, sample.more);
  if (weights != nullptr) *weights = few.weights;
  return peak_with(images, sample, few.trace, more.trace) + waiting_bytes(shape, images);
}

}  // namespace

std::int64_t images_of_step(const FoldJob& job, std::int64_t more_rows) {
  const auto rows = static_cast<std::int64_t>(job.train_rows.size()) + more_rows;
  const std::int64_t batch = std::max(job.train.batch, job.train.last_batch);
  return (std::min(batch, std::max<std::int64_t>(1, rows)) + job.train.micro_batches - 1) / job.train.micro_batches;
}

MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape, std::int64_t images, Accuracy accuracy) {
  const Sample sample = sample_for(job.model, shape, images, accuracy);
  const StepBytes few = step_with(job, sample.shape, sample.few), more = step_with(job, sample.shape, sample.more);
  const auto peak = [&](std::int64_t count) {
    return peak_with(count, sample, few.trace, more.trace) + waiting_bytes(shape, count);
  };
  const std::int64_t best = job.train.keep == "best" ? few.weights : 0;  // a copy, also in each checkpoint
  const std::int64_t state = few.weights + few.gradients + few.optimizer + few.average + best;
  return {.weights = few.weights,
          .state = state,
          .checkpoint = few.weights + few.optimizer + few.average + best,
          .peak = best + peak(images),
          .per_image = peak(images + 1) - peak(images),
          .predicting = state + activations_of_prediction(job.model, shape, job.outputs(),
                                                          job.train.precision == "bf16", accuracy, nullptr),
          .ahead = waiting_bytes(shape, images)};
}

std::int64_t predicting_memory(const ModelConfig& model, const ImageShape& shape, int outputs, bool bf16) {
  std::int64_t weights = 0;
  const std::int64_t more = activations_of_prediction(model, shape, outputs, bf16, Accuracy::kClose, &weights);
  return weights + more;
}

}  // namespace pleat
