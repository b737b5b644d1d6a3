#include "target/temperature.h"

#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace pleat {

// The log-loss is convex in 1 / T. Its slope is the mean over rows of (expected logit - the label's logit), and its
// curvature the logits' mean variance: Newton's method, kept inside a shrinking bracket.
double fit_temperature(const torch::Tensor& logits, const torch::Tensor& labels) {
  if (labels.numel() == 0) throw DataError("there are no rows to fit a temperature to; it needs at least one");
  const torch::Tensor values = logits.to(at::kDouble);
  const torch::Tensor of_label = values.gather(1, labels.unsqueeze(1)).squeeze(1);
  double low = 1 / kMostTemperature, high = 1 / kLeastTemperature, inverse = 1;
  for (int step = 0; step < 100; ++step) {
    const torch::Tensor probs = at::softmax(values * inverse, 1);
    const torch::Tensor expected = (probs * values).sum(1);
    const double slope = (expected - of_label).mean().item<double>();
    const double curvature = ((probs * values * values).sum(1) - expected * expected).mean().item<double>();
    if (slope == 0) break;
    (slope > 0 ? high : low) = inverse;
    double next = curvature > 0 ? inverse - slope / curvature : inverse;
    if (next <= low || next >= high) next = std::sqrt(low * high);
    if (std::abs(next - inverse) <= 1e-12 * inverse || high / low < 1 + 1e-12) break;
    inverse = next;
  }
  return 1 / inverse;
}

}  // namespace pleat
