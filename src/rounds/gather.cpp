#include "rounds/gather.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <unordered_map>

#include "base/files.h"
#include "ensemble/blend.h"
#include "rounds/job_result.h"

namespace pleat {
namespace {

torch::Tensor probs_of(const torch::Tensor& logits) { return at::softmax(logits.to(at::kDouble), 1); }

// Positions in the plan of the given crop rows.
torch::Tensor to_plan_rows(const torch::Tensor& crop_rows,
                           const std::unordered_map<std::int64_t, std::int64_t>& position_of,
                           const std::string& source) {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < crop_rows.numel(); ++i) {
    const auto found = position_of.find(crop_rows[i].item<std::int64_t>());
    if (found == position_of.end()) {
      throw DataError("{} predicts crop row {}, which is not in folds.csv", source, crop_rows[i].item<std::int64_t>());
    }
    positions.push_back(found->second);
  }
  return at::tensor(positions, at::kLong);
}

}  // namespace

GatheredTarget gather_target(int target, const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                             const std::vector<PlannedJob>& jobs, const RunPaths& paths) {
  const Target& described = dataset.targets[std::size_t(target)];
  GatheredTarget gathered{.target = target, .oof = {.target = described.name, .classes = described.classes}};
  std::unordered_map<std::int64_t, std::int64_t> position_of;
  std::vector<std::int64_t> labels;
  for (const std::int64_t row : dataset.train) {
    position_of.emplace(row, static_cast<std::int64_t>(labels.size()));
    labels.push_back(dataset.labels[std::size_t(target)][std::size_t(row)]);
  }
  gathered.oof.labels = at::tensor(labels, at::kLong);

  std::vector<torch::Tensor> oof, test, unlabelled;
  for (std::size_t m = 0; m < config.models.size(); ++m) {
    std::vector<HeldOutPredictions> folds;
    for (const PlannedJob& job : jobs) {
      if (job.target != target || job.model != static_cast<int>(m)) continue;
      const std::string file = (paths.fold(described.name, config.models[m].id, job.fold) / kPredictionsFile).string();
      const JobPredictions made = parse_predictions(read_file(file), file);
      folds.push_back({job.fold, to_plan_rows(made.held_out_rows, position_of, file), made.held_out_logits});
      if (made.test_logits.defined()) test.push_back(probs_of(made.test_logits));
      if (made.unlabelled_logits.defined()) unlabelled.push_back(probs_of(made.unlabelled_logits));
    }
    gathered.oof.models.push_back(gather_model(config.models[m].id, plan, described.size(), folds));
    oof.push_back(gathered.oof.models.back().probs);
  }
  gathered.oof.ensemble = mean_probs(oof);
  if (!test.empty()) gathered.test = mean_probs(test);
  if (!unlabelled.empty()) gathered.unlabelled = mean_probs(unlabelled);
  return gathered;
}

Json describe_ensemble(const RunConfig& config, const FoldPlan& plan, const std::vector<GatheredTarget>& targets,
                       const RunPaths& paths) {
  Json all = Json::object();
  for (const GatheredTarget& gathered : targets) {
    Json members = Json::array();
    const double weight = 1.0 / static_cast<double>(config.models.size() * std::size_t(plan.folds()));
    for (const ModelConfig& model : config.models) {
      for (int fold = 0; fold < plan.folds(); ++fold) {
        const auto folder = paths.fold(gathered.oof.target, model.id, {fold}).lexically_relative(paths.root);
        members.push_back({{"model", model.id}, {"fold", fold}, {"weight", weight}, {"folder", folder.string()}});
      }
    }
    all[gathered.oof.target] = {
        {"method", "mean"}, {"of", "softmax probabilities"}, {"classes", gathered.oof.classes}, {"members", members}};
  }
  return {{"targets", all}};
}

}  // namespace pleat
