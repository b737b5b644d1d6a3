#include "train/free_steps.h"

#include <algorithm>
#include <vector>

#include "base/stopwatch.h"
#include "train/precision.h"
#include "train/predictor.h"

namespace pleat {

FreeSteps::FreeSteps(const FoldJob& job, const TrainContext& context)
    : job_(job), context_(context), steps_(steps_of_epoch(job.epoch_rows(), job.train, 0)) {
  RandomKey init = job.random;
  init.purpose = Purpose::kInit;
  classifier_ = make_classifier(job.model, classifier_shape(context.crops.shape(), job.outputs()), init);
  place_on(*classifier_, context.device);
  weights_.emplace(*classifier_, rounds_weights(job, context.device));
  optimizer_ = make_optimizer(job.train, weights_->trained());
  runner_.emplace(job, context, *classifier_, *weights_);
}

double FreeSteps::step(std::int64_t number, double lr) {
  const StepPlace place{number / steps_, number % steps_, steps_};
  if (place.step == 0) begin_epoch(place.epoch);
  EpochLoss loss(0, 0, context_.ranks, context_.device);
  runner_->run(*loader_, cut_, place, loss);
  std::optional<WeightAverage> none;
  runner_->move(*optimizer_, none, lr, number);
  return loss.mean();
}

void FreeSteps::begin_epoch(std::int64_t epoch) {
  runner_->begin_epoch(epoch);
  RandomKey key = job_.random;
  key.epoch = static_cast<std::uint32_t>(epoch);
  cut_ = {epoch_order(job_, key), steps_, job_.train.micro_batches};
  loader_.reset();
  loader_ = runner_->loader(cut_, epoch, 0);
}

double measure_step(const FoldJob& job, const TrainContext& context) {
  constexpr int kWarmUp = 2, kMeasured = 3;
  const FastConv convolutions(context.conv_plan);
  FreeSteps steps(job, context);
  std::vector<double> seconds;
  for (int number = 0; number < kWarmUp + kMeasured; ++number) {
    const Clock::time_point start = Clock::now();
    steps.step(number, 1e-8);  // a rate that cannot diverge
    if (number >= kWarmUp) seconds.push_back(seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + kMeasured / 2, seconds.end());
  return seconds[kMeasured / 2];
}

}  // namespace pleat
