#include "ensemble/admit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pleat {
namespace {

std::vector<double> confidences(const Belief& belief) {
  std::vector<double> all;
  all.reserve(std::size_t(belief.rows()));
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
  Admitted admitted{.rows = std::vector<bool>(std::size_t(belief.rows()))};
  const std::vector<double> thresholds = class_thresholds(belief, config);
  const auto* labels = belief.labels.const_data_ptr<std::int64_t>();
  struct Block {
    double confidence;
    std::int64_t index;
    std::size_t label;
  };
  std::vector<Block> order;
  order.reserve(std::size_t(blocks.count()));
  for (std::int64_t index = 0; index < blocks.count(); ++index) {
    const std::int64_t row = *blocks.first(index);
    const Block block{belief.confidence(row), index, std::size_t(labels[row])};
    if (block.confidence >= thresholds[block.label]) order.push_back(block);
  }
  const auto is_before = [](const Block& a, const Block& b) {
    return a.confidence > b.confidence || (a.confidence == b.confidence && a.index < b.index);
  };
  const bool limited = config.share < 1 || config.quotas;  // otherwise the order does not matter
  if (limited) std::sort(order.begin(), order.end(), is_before);
  const double most = config.share * static_cast<double>(belief.rows());
  std::vector<double> left(std::size_t(belief.classes()), most);
  if (config.quotas) {
    for (std::size_t c = 0; c < left.size(); ++c) left[c] = most * class_shares[c];
  }
  double room = most;
  for (const Block& block : order) {
    const auto size = static_cast<double>(blocks.size(block.index));
    if (size > room || size > left[block.label]) continue;
    room -= size, left[block.label] -= size;
    admitted.count += blocks.size(block.index);
    for (std::int64_t i = 0; i < blocks.size(block.index); ++i)
      admitted.rows[std::size_t(blocks.first(block.index)[i])] = true;
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
    weights[row] = static_cast<float>(config.factor * (falls ? std::exp(-below * below / (2 * variance)) : 1.0));
  }
  return weights;
}

}  // namespace pleat
