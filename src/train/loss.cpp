#include "train/loss.h"

#include <ATen/ops/cross_entropy_loss.h>

namespace pleat {

torch::Tensor part_loss(const torch::Tensor& logits, const torch::Tensor& labels, double label_smoothing,
                        std::int64_t batch) {
  // Summed, not averaged: parts of unlike size must weigh by their samples.
  const torch::Tensor sum = at::cross_entropy_loss(logits.to(at::kFloat), labels, /*weight=*/{}, at::Reduction::Sum,
                                                   /*ignore_index=*/-100, label_smoothing);
  return sum / static_cast<double>(batch);
}

}  // namespace pleat
