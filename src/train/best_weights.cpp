#include "train/best_weights.h"

#include <ATen/ops/nonzero.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include "target/metrics.h"

namespace pleat {

double inner_score(const FoldJob& job, const torch::Tensor& outputs) {
  const std::vector<torch::Tensor> logits = split_logits(codes_of(job), outputs);
  double sum = 0;
  for (std::size_t h = 0; h < job.heads.size(); ++h) {
    const InnerRows known = known_inner_rows(job.heads[h], logits[h]);
    sum += score_by_name(score(at::softmax(known.logits.to(at::kDouble), 1), known.labels), job.score);
  }
  return sum / static_cast<double>(job.heads.size());
}

InnerRows known_inner_rows(const Head& head, const torch::Tensor& logits) {
  const torch::Tensor labels = at::tensor(head.inner_labels, at::kLong);
  const torch::Tensor places = at::nonzero(labels >= 0).squeeze(1);
  if (places.numel() == labels.numel()) return {logits, labels};
  return {logits.index_select(0, places), labels.index_select(0, places)};
}

void consider(BestSoFar& best, std::int64_t epoch, double score, const NamedTensors& weights) {
  if (best.epoch > 0 && score <= best.score) {
    ++best.since;
    return;
  }
  best = {.epoch = epoch, .score = score};
  for (const auto& [name, tensor] : weights) best.weights.emplace_back(name, tensor.detach().clone());
}

bool gave_up(const TrainConfig& train, const BestSoFar& best) {
  return train.keep == "best" && train.patience > 0 && best.since >= train.patience;
}

}  // namespace pleat
