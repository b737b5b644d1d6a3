#include "rounds/predictions_csv.h"

#include <ATen/ops/cat.h>

#include <utility>

#include "ensemble/target_probs.h"

namespace pleat {
namespace {

// Concatenates the defined ones; undefined if neither is.
torch::Tensor joined(const torch::Tensor& first, const torch::Tensor& second) {
  std::vector<torch::Tensor> parts;
  for (const torch::Tensor& part : {first, second}) {
    if (part.defined()) parts.push_back(part);
  }
  return parts.empty() ? torch::Tensor() : at::cat(parts).contiguous();
}

}  // namespace

std::string predictions_csv(const std::vector<GatheredTarget>& targets, const Dataset& dataset) {
  std::vector<std::string> ids, splits;
  for (const auto& [rows, split] : {std::pair{&dataset.test, "test"}, std::pair{&dataset.unlabelled, "unlabelled"}}) {
    for (const std::int64_t row : *rows) {
      ids.push_back(dataset.id(row));
      splits.emplace_back(split);
    }
  }
  std::vector<TargetProbs> probs;
  for (const GatheredTarget& gathered : targets) {
    const torch::Tensor rows = joined(gathered.test, gathered.unlabelled);
    const torch::Tensor normal = joined(gathered.test_normal, gathered.unlabelled_normal);
    if (rows.defined()) probs.push_back({gathered.oof.target, gathered.oof.classes, rows, normal});
  }
  return format_predictions(ids, splits, probs);
}

}  // namespace pleat
