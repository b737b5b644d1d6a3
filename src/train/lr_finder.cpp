#include "train/lr_finder.h"

#include <algorithm>
#include <cmath>

#include "train/free_steps.h"
#include "train/job_error.h"

namespace pleat {
namespace {

constexpr double kSmoothing = 0.9;        // decay of the moving average: about the last ten steps
constexpr double kGivesUp = 4.0;          // stop after rising this many times as far as the loss had fallen
constexpr double kLeastFall = 0.1;        // smaller falls count as this much
constexpr std::ptrdiff_t kUnsteady = 10;  // first steps, too noisy to judge

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
  FreeSteps steps(whole, context);
  LrFinding finding;
  double average = 0;
  for (std::int64_t step = 0; step < range.steps && !context.stop_requested(); ++step) {
    const double part = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, range.steps - 1));
    LrPoint point{.lr = range.from * std::pow(range.to / range.from, part)};
    try {
      point.loss = steps.step(step, point.lr);
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
