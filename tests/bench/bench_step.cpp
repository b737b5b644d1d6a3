// The training step alone, on random images. Prints milliseconds of its parts and images per second as JSON.
//   bench_step MODEL|FILE.pt SIZE BATCH THREADS bf16|fp32 fast|library [REPEATS]
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "kernels/conv_plan.h"
#include "kernels/tensor_pool.h"
#include "train/conv_trace.h"
#include "train/fold_trainer.h"
#include "train/job_loss.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/trained_weights.h"

namespace {

using namespace pleat;
using Clock = std::chrono::steady_clock;

struct Parts {
  double forward = 0, backward = 0, optimizer = 0;
  double sum() const { return forward + backward + optimizer; }
};

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Trainer {
 public:
  Trainer(const FoldJob& job, std::int64_t size, std::int64_t batch)
      : job_(job),
        net_(make_classifier(
            job.model, {.channels = 3, .classes = job.outputs(), .height = int(size), .width = int(size)}, job.random)),
        images_(at::randn({batch, 3, size, size}).contiguous(at::MemoryFormat::ChannelsLast)),
        positions_(std::size_t(batch)),
        loss_(job, at::kCPU) {
    std::iota(positions_.begin(), positions_.end(), 0);
    place_on(*net_, at::kCPU);
    net_->train();
    weights_.emplace(*net_, rounds_weights(job, at::kCPU));
    optimizer_ = make_optimizer(job.train, weights_->trained());
  }

  Parts step() {
    Parts parts;
    const auto start = Clock::now();
    const auto loss =
        loss_(forward_logits(*net_, images_, job_.train.precision == "bf16"), positions_, {}, images_.size(0));
    parts.forward = milliseconds_since(start);
    for (const auto& parameter : net_->parameters()) parameter.mutable_grad().reset();
    const auto middle = Clock::now();
    loss.backward();
    parts.backward = milliseconds_since(middle);
    const auto last = Clock::now();
    optimizer_->step(1e-3);
    parts.optimizer = milliseconds_since(last);
    return parts;
  }

 private:
  const FoldJob& job_;
  std::shared_ptr<Classifier> net_;
  torch::Tensor images_;
  std::vector<std::int64_t> positions_;
  JobLoss loss_;
  std::optional<TrainedWeights> weights_;
  std::unique_ptr<Optimizer> optimizer_;
};

void measure(char** argv, int repeats) {
  const std::int64_t size = std::atoll(argv[2]), batch = std::atoll(argv[3]);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < batch; ++i) labels.push_back(i % 10);
  FoldJob job{.heads = {{.code = {.classes = 10, .outputs = 10}, .labels = labels}}};
  job.train.epochs = 1;
  if (std::string(argv[1]).ends_with(".pt"))
    job.model.script = argv[1];
  else
    job.model.name = argv[1];
  job.train.precision = argv[5];
  at::set_num_threads(std::atoi(argv[4]));
  ConvPlan plan;
  if (std::strcmp(argv[6], "fast") == 0)
    plan = measure_plan(convolutions_of(job, {.height = int(size), .width = int(size), .channels = 3}), batch);
  const FastConv convolutions(plan);
  Trainer trainer(job, size, batch);
  for (int i = 0; i < 3; ++i) trainer.step();
  std::vector<Parts> all;
  for (int i = 0; i < repeats; ++i) all.push_back(trainer.step());
  std::sort(all.begin(), all.end(), [](const Parts& a, const Parts& b) { return a.sum() < b.sum(); });
  const Parts median = all[all.size() / 2];
  std::printf(
      "{\"forward_ms\": %.1f, \"backward_ms\": %.1f, \"optimizer_ms\": %.1f, \"images_per_second\": %.1f, \"best\": "
      "%.1f, \"planned\": %zu}\n",
      median.forward, median.backward, median.optimizer, 1e3 * double(batch) / median.sum(),
      1e3 * double(batch) / all.front().sum(), plan.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7)
    return std::fprintf(stderr,
                        "usage: bench_step MODEL|FILE.pt SIZE BATCH THREADS bf16|fp32 fast|library [REPEATS]\n"),
           2;
  use_tensor_pool();
  try {
    measure(argv, argc > 7 ? std::atoi(argv[7]) : 15);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return 3;
  }
}
