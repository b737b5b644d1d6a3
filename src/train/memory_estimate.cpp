#include "train/memory_estimate.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <optional>

#include "model/weight_average.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/trained_weights.h"

namespace pleat {
namespace {

// Hears of every tensor's memory that this thread takes and gives back.
class PeakCounter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

struct StepBytes {
  std::int64_t weights, gradients, optimizer, average, peak;
};

// Of gradients, and of the roundings that they are taken of.
std::int64_t gradient_bytes(const TrainedWeights& weights) {
  std::int64_t bytes = 0;
  for (const TrainedParameter& each : weights.trained())
    bytes += static_cast<std::int64_t>(each.network.nbytes()) * (each.rounded() ? 2 : 1);
  return bytes;
}

StepBytes step_with(const FoldJob& job, const ImageShape& shape, std::int64_t images) {
  const auto counter = std::make_shared<PeakCounter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, counter);
  const auto classifier = make_classifier(job.model, classifier_shape(shape, job.classes), job.random);
  place_on(*classifier, at::kCPU);
  classifier->train();
  const TrainedWeights weights(*classifier, rounds_weights(job, at::kCPU));
  const auto optimizer = make_optimizer(job.train, weights.trained());
  std::optional<WeightAverage> average;
  if (job.train.ema > 0) average.emplace(weights.state(), job.train.ema);
  const auto batch =
      at::randn({images, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast);
  part_loss(forward_logits(*classifier, batch, job.train.precision == "bf16"), at::zeros({images}, at::kLong), 0.0,
            images)
      .backward();
  optimizer->step(0.0);
  if (average) average->update(0);
  const auto bytes_of = [](const NamedTensors& tensors) {
    std::int64_t bytes = 0;
    for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
    return bytes;
  };
  return {bytes_of(weights.state()), gradient_bytes(weights), bytes_of(optimizer->state()),
          average ? bytes_of(average->state()) : 0, counter->peak()};
}

}  // namespace

MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape) {
  constexpr std::int64_t kFew = 4, kMore = 8;
  const StepBytes few = step_with(job, shape, kFew), more = step_with(job, shape, kMore);
  const std::int64_t part = (job.train.batch + job.train.micro_batches - 1) / job.train.micro_batches;
  // What grows with the batch grows in proportion to it; the rest is there whatever the batch.
  const std::int64_t per_image = std::max<std::int64_t>(0, (more.peak - few.peak) / (kMore - kFew));
  return {.weights = few.weights,
          .state = few.weights + few.gradients + few.optimizer + few.average,
          .checkpoint = few.weights + few.optimizer + few.average,
          .peak = more.peak + per_image * std::max<std::int64_t>(0, part - kMore)};
}

}  // namespace pleat
