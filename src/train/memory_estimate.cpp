#include "train/memory_estimate.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <optional>
#include <vector>

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

std::int64_t peak_of(const std::vector<std::int64_t>& bytes) { return *std::max_element(bytes.begin(), bytes.end()); }

struct StepBytes {
  std::int64_t weights, gradients, optimizer, average;
  std::vector<std::int64_t> trace;
};

// Bytes of all gradients, and of the bfloat16 copies of the weights.
std::int64_t gradient_bytes(const TrainedWeights& weights) {
  std::int64_t bytes = 0;
  for (const TrainedParameter& each : weights.trained())
    bytes += static_cast<std::int64_t>(each.network.nbytes()) * (each.rounded() ? 2 : 1);
  return bytes;
}

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
  const auto batch =
      at::randn({images, shape.channels, shape.height, shape.width}).contiguous(at::MemoryFormat::ChannelsLast);
  const std::vector<std::int64_t> first(static_cast<std::size_t>(images), 0);
  const JobLoss loss(job, at::kCPU);
  loss(forward_logits(*classifier, batch, job.train.precision == "bf16"), first, {}, images).backward();
  optimizer->step(0.0);
  if (average) average->update(0);
  const auto bytes_of = [](const NamedTensors& tensors) {
    std::int64_t bytes = 0;
    for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
    return bytes;
  };
  return {bytes_of(weights.state()), gradient_bytes(weights), bytes_of(optimizer->state()),
          average ? bytes_of(average->state()) : 0, trace->after()};
}

constexpr std::int64_t kFew = 4, kMore = 8;

// Extrapolates every event of a step linearly in the number of images, then takes the maximum. Not the other way round:
// the peak moves with the batch size. Few images peak at the end of backward (gradients), many before (activations).
std::int64_t peak_with(std::int64_t images, const std::vector<std::int64_t>& few,
                       const std::vector<std::int64_t>& more) {
  std::int64_t peak = 0;
  for (std::size_t i = 0; i < few.size(); ++i)
    peak = std::max(peak, few[i] + (more[i] - few[i]) * (images - kFew) / (kMore - kFew));
  return peak;
}

}  // namespace

MemoryEstimate estimate_memory(const FoldJob& job, const ImageShape& shape) {
  const StepBytes few = step_with(job, shape, kFew), more = step_with(job, shape, kMore);
  const std::int64_t part = (job.train.batch + job.train.micro_batches - 1) / job.train.micro_batches;
  // Some networks do different work for different batch sizes. For those, measure a whole part.
  const bool alike = few.trace.size() == more.trace.size();
  const std::int64_t best = job.train.keep == "best" ? few.weights : 0;  // a copy, also in each checkpoint
  return {.weights = few.weights,
          .state = few.weights + few.gradients + few.optimizer + few.average + best,
          .checkpoint = few.weights + few.optimizer + few.average + best,
          .peak = best + (alike ? peak_with(part, few.trace, more.trace) : peak_of(step_with(job, shape, part).trace))};
}

}  // namespace pleat
