#include "train/best_weights.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include "target/metrics.h"

namespace pleat {

double inner_score(const FoldJob& job, const torch::Tensor& outputs) {
  const std::vector<torch::Tensor> logits = split_logits(codes_of(job), outputs);
  double sum = 0;
  for (std::size_t h = 0; h < job.heads.size(); ++h) {
    const torch::Tensor probs = at::softmax(logits[h].to(at::kDouble), 1);
    sum += score_by_name(score(probs, at::tensor(job.heads[h].inner_labels, at::kLong)), job.score);
  }
  return sum / static_cast<double>(job.heads.size());
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
