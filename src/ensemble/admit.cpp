#include "ensemble/admit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pleat {
namespace {

std::vector<double> confidences(const Belief& belief) {
  std::vector<double> all;
  for (std::int64_t row = 0; row < belief.rows(); ++row) all.push_back(belief.confidence(row));
  return all;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> class_thresholds(const Belief& belief, const AdmitConfig& config) {
  const auto classes = static_cast<std::size_t>(belief.classes());
  if (!config.adaptive || belief.rows() == 0) return std::vector<double>(classes, config.threshold);
  std::vector<double> mean(classes);
  const auto* probs = belief.probs.const_data_ptr<double>();
  for (std::int64_t row = 0; row < belief.rows(); ++row) {
    for (std::size_t c = 0; c < classes; ++c) mean[c] += probs[std::size_t(row) * classes + c];
  }
  const double most = *std::max_element(mean.begin(), mean.end());
  const double whole = mean_of(confidences(belief));
  std::vector<double> thresholds;
  for (const double each : mean) thresholds.push_back(whole * each / most);
  return thresholds;
}

Admitted admit_rows(const Belief& belief, const RowGroups& blocks, const AdmitConfig& config,
                    const std::vector<double>& class_shares) {
  Admitted admitted{.rows = std::vector<bool>(std::size_t(belief.rows())),
                    .thresholds = class_thresholds(belief, config)};
  const auto* labels = belief.labels.const_data_ptr<std::int64_t>();
  const auto confidence = [&](std::int64_t block) { return belief.confidence(*blocks.first(block)); };
  const auto label = [&](std::int64_t block) { return std::size_t(labels[*blocks.first(block)]); };
  std::vector<std::int64_t> order;
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    if (confidence(block) >= admitted.thresholds[label(block)]) order.push_back(block);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return confidence(a) > confidence(b); });
  const double most = config.share * static_cast<double>(belief.rows());
  std::vector<double> left(std::size_t(belief.classes()), most);
  if (config.quotas) {
    for (std::size_t c = 0; c < left.size(); ++c) left[c] = most * class_shares[c];
  }
  double room = most;
  for (const std::int64_t block : order) {
    const auto size = static_cast<double>(blocks.size(block));
    if (size > room || size > left[label(block)]) continue;
    room -= size, left[label(block)] -= size;
    admitted.count += blocks.size(block);
    for (std::int64_t i = 0; i < blocks.size(block); ++i) admitted.rows[std::size_t(blocks.first(block)[i])] = true;
  }
  return admitted;
}

std::vector<float> pseudo_weights(const Belief& belief, const Admitted& admitted, const WeightConfig& config) {
  const std::vector<double> sure = confidences(belief);
  const double mean = sure.empty() ? 0 : mean_of(sure);
  double variance = 0;
  for (const double each : sure) variance += (each - mean) * (each - mean) / static_cast<double>(sure.size());
  std::vector<float> weights(sure.size());
  for (std::size_t row = 0; row < sure.size(); ++row) {
    if (!admitted.rows[row]) continue;
    const double below = std::max(0.0, mean - sure[row]);
    const bool falls = config.by == "confidence" && below > 0 && variance > 0;
    weights[row] = static_cast<float>(config.weight * (falls ? std::exp(-below * below / (2 * variance)) : 1.0));
  }
  return weights;
}

}  // namespace pleat
