#include "train/job_loss.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace pleat {
namespace {

// Class or bin of each training row: the label that the network learns.
std::vector<std::int64_t> asked_labels(const Head& head) {
  if (head.code.teaching != Teaching::kBins) return head.labels;
  std::vector<std::int64_t> bins;
  for (const double number : head.numbers) bins.push_back(head.code.bin_of(number));
  const auto outputs = static_cast<std::ptrdiff_t>(head.code.outputs);
  for (auto row = head.soft.begin(); row != head.soft.end(); row += outputs)
    bins.push_back(std::max_element(row, row + outputs) - row);
  return bins;
}

// Row b: weights of all bins, sum 1, for a label in bin b (a normal distribution around b).
std::vector<float> spread_table(std::int64_t bins, double deviation) {
  std::vector<float> table;
  for (std::int64_t b = 0; b < bins; ++b) {
    std::vector<double> row;
    double sum = 0;
    for (std::int64_t other = 0; other < bins; ++other) {
      const double away = static_cast<double>(other - b) / deviation;
      row.push_back(std::exp(-away * away / 2));
      sum += row.back();
    }
    for (const double value : row) table.push_back(static_cast<float>(value / sum));
  }
  return table;
}

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            at::Reduction::Reduction reduction, double smoothing) {
  return at::cross_entropy_loss(logits.to(at::kFloat), labels, /*weight=*/{}, reduction, /*ignore_index=*/-100,
                                smoothing);
}

// Negative log-likelihood of a normal distribution, up to a constant.
torch::Tensor normal_loss(const torch::Tensor& outputs, const torch::Tensor& numbers) {
  const torch::Tensor values = outputs.to(at::kFloat);
  const torch::Tensor deviation = log_deviation(values.select(1, 1));
  const torch::Tensor away = (numbers - values.select(1, 0)) * (-deviation).exp();
  return away * away / 2 + deviation;
}

}  // namespace

std::vector<float> row_weights(const std::string& kind, const std::vector<std::int64_t>& labels) {
  if (kind == "none") return {};
  std::map<std::int64_t, double> weight_of;
  for (const std::int64_t label : labels) weight_of[label] += 1;
  for (auto& [label, weight] : weight_of) weight = 1.0 / (kind == "balanced" ? weight : std::sqrt(weight));
  double sum = 0;
  for (const std::int64_t label : labels) sum += weight_of[label];
  std::vector<float> weights;
  for (const std::int64_t label : labels)
    weights.push_back(static_cast<float>(weight_of[label] * static_cast<double>(labels.size()) / sum));
  return weights;
}

namespace {

// The weights of a head's rows by their classes. Labels that are not learned (weight 0) do not count.
std::vector<float> class_weights_of(const Head& head, const std::string& kind) {
  if (head.weights.empty()) return row_weights(kind, head.labels);
  std::vector<std::int64_t> learned;
  for (std::size_t row = 0; row < head.labels.size(); ++row)
    if (head.weights[row] > 0) learned.push_back(head.labels[row]);
  const std::vector<float> of_learned = row_weights(kind, learned);
  if (of_learned.empty()) return {};
  std::vector<float> weights(head.labels.size());
  for (std::size_t row = 0, next = 0; row < weights.size(); ++row)
    if (head.weights[row] > 0) weights[row] = of_learned[next++];
  return weights;
}

}  // namespace

HeadLoss::HeadLoss(const Head& head, const TrainConfig& train, const torch::Device& device)
    : teaching_(head.code.teaching),
      outputs_(head.code.outputs),
      smoothing_(train.label_smoothing),
      focal_(train.loss.focal),
      f1_(train.loss.f1),
      labels_(at::tensor(asked_labels(head), at::kLong).to(device)),
      labelled_(labels_.numel()) {
  if (teaching_ == Teaching::kNumber) {
    std::vector<float> numbers;
    for (const double number : head.numbers) numbers.push_back(static_cast<float>(head.code.standardised(number)));
    numbers_ = at::tensor(numbers, at::kFloat).to(device);
  }
  std::vector<float> weights = class_weights_of(head, train.loss.class_weights);
  if (weights.empty())
    weights = head.weights;
  else if (!head.weights.empty())
    for (std::size_t row = 0; row < weights.size(); ++row) weights[row] *= head.weights[row];
  if (!weights.empty()) weights_ = at::tensor(weights, at::kFloat).to(device);
  if (!head.soft.empty()) {
    soft_ = at::tensor(head.soft, at::kFloat).reshape({-1, outputs_}).to(device);
    labelled_ -= soft_.size(0);
  }
  if (head.bin_spread > 0)
    spread_ = at::tensor(spread_table(outputs_, head.bin_spread), at::kFloat).reshape({outputs_, outputs_}).to(device);
}

// Target distribution of each row, [n, outputs], without label smoothing.
torch::Tensor HeadLoss::targets_of(const torch::Tensor& positions) const {
  const torch::Tensor labels = labels_.index_select(0, positions);
  const torch::Tensor hard =
      spread_.defined() ? spread_.index_select(0, labels) : at::one_hot(labels, outputs_).to(at::kFloat);
  if (!soft_.defined()) return hard;
  const torch::Tensor places = positions - labelled_;  // of pseudo-labelled rows
  return at::where((places >= 0).unsqueeze(1), soft_.index_select(0, places.clamp_min(0)), hard);
}

// Loss of each row, [n]. Ignores mixing (mixup, cutmix).
torch::Tensor HeadLoss::of_rows(const torch::Tensor& outputs, const torch::Tensor& positions) const {
  torch::Tensor losses;
  if (teaching_ == Teaching::kNumber) {
    losses = normal_loss(outputs, numbers_.index_select(0, positions));
  } else if (focal_ == 0.0 && !spread_.defined() && !soft_.defined()) {
    losses = cross_entropy(outputs, labels_.index_select(0, positions), at::Reduction::None, smoothing_);
  } else {
    const torch::Tensor logs = at::log_softmax(outputs.to(at::kFloat), 1);
    torch::Tensor terms = targets_of(positions) * (1.0 - smoothing_) + smoothing_ / static_cast<double>(outputs_);
    terms = terms * logs;
    // Clamped: for a power below 1, pow has an infinite gradient at 0.
    if (focal_ > 0.0) terms = terms * (1.0 - logs.exp()).clamp_min(1e-6).pow(focal_);
    losses = -terms.sum(1);
  }
  return weights_.defined() ? losses * weights_.index_select(0, positions) : losses;
}

// Counts true positives and predictions by probabilities, which makes F1 differentiable.
torch::Tensor HeadLoss::one_minus_f1(const torch::Tensor& outputs, const torch::Tensor& positions,
                                     const Batch& mixed) const {
  torch::Tensor probs = at::softmax(outputs.to(at::kFloat), 1);
  torch::Tensor targets = targets_of(positions), there = at::one_hot(labels_.index_select(0, positions), outputs_);
  if (mixed.share.defined())
    targets = at::lerp(targets.index_select(0, mixed.partners), targets, mixed.share.unsqueeze(1));
  if (weights_.defined()) {  // rows whose label is not learned
    const torch::Tensor counts = (weights_.index_select(0, positions) > 0).unsqueeze(1);
    probs = probs * counts;
    targets = targets * counts;
    there = there * counts;
  }
  const torch::Tensor labelled = targets.sum(0);
  // From the labels, not the targets: targets that are spread over bins are nowhere exactly 0. Rows are only mixed with
  // rows of the same part, so no label is missed.
  const torch::Tensor is_there = (there.sum(0) > 0).to(at::kFloat);
  const torch::Tensor f1 = 2.0 * (probs * targets).sum(0) / (probs.sum(0) + labelled).clamp_min(1e-6);
  return 1.0 - (f1 * is_there).sum() / is_there.sum().clamp_min(1.0);
}

torch::Tensor HeadLoss::plain(const torch::Tensor& outputs, const torch::Tensor& positions, std::int64_t batch) const {
  // Summed, not averaged: each part counts by its number of rows.
  return cross_entropy(outputs, labels_.index_select(0, positions), at::Reduction::Sum, smoothing_) /
         static_cast<double>(batch);
}

torch::Tensor HeadLoss::operator()(const torch::Tensor& outputs, const torch::Tensor& positions, const Batch& mixed,
                                   std::int64_t batch) const {
  const bool is_plain = teaching_ != Teaching::kNumber && focal_ == 0.0 && f1_ == 0.0 && !spread_.defined() &&
                        !weights_.defined() && !soft_.defined() && !mixed.share.defined();
  if (is_plain) return plain(outputs, positions, batch);
  torch::Tensor losses = of_rows(outputs, positions);
  if (mixed.share.defined())
    losses = at::lerp(of_rows(outputs, positions.index_select(0, mixed.partners)), losses, mixed.share);
  const torch::Tensor sum = losses.sum() / static_cast<double>(batch);
  if (f1_ == 0.0 || teaching_ == Teaching::kNumber) return sum;
  const double part = static_cast<double>(positions.numel()) / static_cast<double>(batch);
  return sum * (1.0 - f1_) + one_minus_f1(outputs, positions, mixed) * (f1_ * part);
}

JobLoss::JobLoss(const FoldJob& job, const torch::Device& device) : device_(device) {
  for (const Head& head : job.heads) {
    heads_.emplace_back(head, job.train, device);
    widths_.push_back(head.code.outputs);
    weights_.push_back(head.weight);
  }
}

torch::Tensor JobLoss::operator()(const torch::Tensor& outputs, std::span<const std::int64_t> positions,
                                  const Batch& part, std::int64_t batch) const {
  // Pinned memory: otherwise the copy waits for all work queued on the GPU.
  const torch::Tensor rows = at::tensor(c10::ArrayRef<std::int64_t>(positions.data(), positions.size()),
                                        at::TensorOptions(at::kLong).pinned_memory(device_.is_cuda()))
                                 .to(device_, /*non_blocking=*/true);
  if (heads_.size() == 1) return heads_.front()(outputs, rows, part, batch);
  torch::Tensor sum;
  std::int64_t begin = 0;
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    const torch::Tensor loss = heads_[h](outputs.narrow(1, begin, widths_[h]), rows, part, batch) * weights_[h];
    sum = sum.defined() ? sum + loss : loss;
    begin += widths_[h];
  }
  return sum;
}

}  // namespace pleat
