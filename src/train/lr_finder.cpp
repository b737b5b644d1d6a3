#include "train/lr_finder.h"

#include <algorithm>
#include <cmath>

#include "train/job_error.h"
#include "train/precision.h"
#include "train/predictor.h"
#include "train/sampling.h"
#include "train/step_runner.h"

namespace pleat {
namespace {

constexpr double kSmoothing = 0.9;        // decay of the moving average: about the last ten steps
constexpr double kGivesUp = 4.0;          // stop after rising this many times as far as the loss had fallen
constexpr double kLeastFall = 0.1;        // smaller falls count as this much
constexpr std::ptrdiff_t kUnsteady = 10;  // first steps, too noisy to judge

// Network, optimizer and steps for a test of one job.
class Trial {
 public:
  Trial(const FoldJob& job, const TrainContext& context)
      : job_(job), context_(context), steps_(steps_per_epoch(job.train_rows.size(), job.train)) {
    RandomKey init = job.random;
    init.purpose = Purpose::kInit;
    classifier_ = make_classifier(job.model, classifier_shape(context.crops.shape(), job.outputs()), init);
    place_on(*classifier_, context.device);
    weights_.emplace(*classifier_, rounds_weights(job, context.device));
    optimizer_ = make_optimizer(job.train, weights_->trained());
    runner_.emplace(job, context, *classifier_, *weights_);
  }

  /// Trains one step at `lr`. Returns the batch's mean loss before the step.
  double step(std::int64_t number, double lr) {
    const StepPlace place{number / steps_, number % steps_, steps_};
    if (place.step == 0) begin_epoch(place.epoch);
    EpochLoss loss(0, 0, context_.ranks, context_.device);
    runner_->run(*loader_, cut_, place, loss);
    std::optional<WeightAverage> none;
    runner_->move(*optimizer_, none, lr, number);
    return loss.mean();
  }

 private:
  void begin_epoch(std::int64_t epoch) {
    runner_->begin_epoch(epoch);
    RandomKey key = job_.random;
    key.epoch = static_cast<std::uint32_t>(epoch);
    cut_ = {epoch_order(job_, key), steps_, job_.train.micro_batches};
    loader_.reset();
    loader_ = runner_->loader(cut_, epoch, 0);
  }

  const FoldJob& job_;
  const TrainContext& context_;
  const std::int64_t steps_;
  std::shared_ptr<Classifier> classifier_;
  std::optional<TrainedWeights> weights_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<StepRunner> runner_;
  EpochCut cut_;
  std::unique_ptr<BatchLoader> loader_;
};

using Point = std::vector<LrPoint>::const_iterator;

Point least_of(Point begin, Point end) {
  return std::min_element(begin, end, [](const LrPoint& a, const LrPoint& b) { return a.smoothed < b.smoothed; });
}

// True if the smoothed loss rose kGivesUp times as far as it had fallen. The range of the first batches' losses counts
// as a fall, too. Compares differences, not ratios: the loss of a number (regress) may be negative.
bool has_run_away(const std::vector<LrPoint>& curve) {
  if (static_cast<std::ptrdiff_t>(curve.size()) <= kUnsteady) return false;
  const Point first = curve.begin() + kUnsteady;
  const auto [low, high] =
      std::minmax_element(curve.begin(), first, [](const LrPoint& a, const LrPoint& b) { return a.loss < b.loss; });
  const double least = least_of(first, curve.end())->smoothed;
  const double scale = std::max({first->smoothed - least, high->loss - low->loss, kLeastFall});
  return curve.back().smoothed - least > kGivesUp * scale;
}

}  // namespace

LrFinding find_lr(const FoldJob& job, const TrainContext& context, const LrRange& range) {
  const FastConv convolutions(context.conv_plan);
  FoldJob whole = job;
  whole.train.freeze_epochs = 0;  // the best rate for the last layer alone would differ
  Trial trial(whole, context);
  LrFinding finding;
  double average = 0;
  for (std::int64_t step = 0; step < range.steps && !context.stop_requested(); ++step) {
    const double part = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, range.steps - 1));
    LrPoint point{.lr = range.from * std::pow(range.to / range.from, part)};
    try {
      point.loss = trial.step(step, point.lr);
    } catch (const JobFailed& error) {
      if (finding.curve.empty()) {
        throw JobFailed("the first step failed, at lr {:g}, so no learning rate works: {}", point.lr, error.what());
      }
      break;  // the test ends at the first loss that is not finite
    }
    if (!std::isfinite(point.loss)) break;  // on a GPU StepRunner checks the first step, then only some
    average = kSmoothing * average + (1 - kSmoothing) * point.loss;
    point.smoothed = average / (1 - std::pow(kSmoothing, static_cast<double>(step) + 1));
    finding.curve.push_back(point);
    if (has_run_away(finding.curve)) break;
  }
  read_curve(finding);
  return finding;
}

void read_curve(LrFinding& finding) {
  const std::vector<LrPoint>& curve = finding.curve;
  if (static_cast<std::ptrdiff_t>(curve.size()) <= kUnsteady) return;
  // Skip the first steps: their average covers few batches, and batches differ more than learning rates do.
  const Point first = curve.begin() + kUnsteady, least = least_of(first, curve.end());
  if (least == first) return;
  finding.suggestion = least->lr / 10;
  double fastest = 0;
  for (Point point = first + 1; point <= least; ++point) {
    const double slope = (point->smoothed - (point - 1)->smoothed) / std::log(point->lr / (point - 1)->lr);
    if (slope >= fastest) continue;
    fastest = slope;
    finding.steepest = point->lr;
  }
}

}  // namespace pleat
