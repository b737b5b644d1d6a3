#include "train/loss.h"

#include <ATen/ops/cross_entropy_loss.h>

namespace pleat {

namespace {

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            at::Reduction::Reduction reduction, double label_smoothing) {
  return at::cross_entropy_loss(logits.to(at::kFloat), labels, /*weight=*/{}, reduction, /*ignore_index=*/-100,
                                label_smoothing);
}

}  // namespace

torch::Tensor part_loss(const torch::Tensor& logits, const torch::Tensor& labels, double label_smoothing,
                        std::int64_t batch) {
  // Summed, not averaged: parts of unlike size must weigh by their samples.
  return cross_entropy(logits, labels, at::Reduction::Sum, label_smoothing) / static_cast<double>(batch);
}

torch::Tensor part_loss(const torch::Tensor& logits, const Batch& part, double label_smoothing, std::int64_t batch) {
  if (!part.share.defined()) return part_loss(logits, part.labels, label_smoothing, batch);
  const torch::Tensor others = part.labels.index_select(0, part.partners);
  const torch::Tensor own = cross_entropy(logits, part.labels, at::Reduction::None, label_smoothing);
  const torch::Tensor other = cross_entropy(logits, others, at::Reduction::None, label_smoothing);
  return at::lerp(other, own, part.share).sum() / static_cast<double>(batch);
}

}  // namespace pleat
