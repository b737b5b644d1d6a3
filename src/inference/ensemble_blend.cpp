#include "inference/ensemble_blend.h"

#include <ATen/ops/softmax.h>

#include "ensemble/blend.h"
#include "model/tensor_file.h"

namespace pleat {
namespace {

std::string name_of(const char* what, std::size_t head) { return fmt::format("{}.{}", what, head); }

}  // namespace

std::string to_bytes(const MemberPrediction& prediction) {
  NamedTensors tensors;
  for (std::size_t head = 0; head < prediction.logits.size(); ++head) {
    tensors.emplace_back(name_of("logits", head), prediction.logits[head]);
    if (prediction.normals[head].defined()) tensors.emplace_back(name_of("normal", head), prediction.normals[head]);
  }
  return tensors_to_bytes(tensors);
}

MemberPrediction member_prediction_from(const std::string& bytes, const TrainedEnsemble& ensemble,
                                        const Member& member) {
  const TensorFile file = tensors_from_bytes(bytes, "a rank's predictions");
  const std::vector<int>& targets = ensemble.targets.units[std::size_t(member.unit)].targets;
  MemberPrediction prediction;
  for (std::size_t head = 0; head < targets.size(); ++head) {
    const bool number = ensemble.targets.targets[std::size_t(targets[head])].teaching() == Teaching::kNumber;
    prediction.logits.push_back(file.at(name_of("logits", head)));
    prediction.normals.push_back(number ? file.at(name_of("normal", head)) : torch::Tensor());
  }
  return prediction;
}

namespace {

// Each candidate's mean over its members: the probabilities of one head, and its numbers.
struct CandidateTables {
  std::vector<torch::Tensor> probs, normals;  // undefined for candidates that are not in the ensemble
};

CandidateTables tables_of(const TrainedEnsemble& ensemble, int unit, std::size_t head,
                          const std::vector<MemberPrediction>& predicted_by) {
  const std::size_t candidates = ensemble.config.models.size();
  std::vector<std::vector<torch::Tensor>> probs(candidates), normals(candidates);
  for (std::size_t m = 0; m < predicted_by.size(); ++m) {
    const Member& member = ensemble.members[m];
    if (member.unit != unit) continue;
    const auto candidate = static_cast<std::size_t>(member.candidate);
    probs[candidate].push_back(at::softmax(predicted_by[m].logits[head].to(at::kDouble), 1));
    if (predicted_by[m].normals[head].defined()) normals[candidate].push_back(predicted_by[m].normals[head]);
  }
  CandidateTables tables;
  for (std::size_t c = 0; c < candidates; ++c) {
    tables.probs.push_back(probs[c].empty() ? torch::Tensor() : mean_probs(probs[c]));
    tables.normals.push_back(normals[c].empty() ? torch::Tensor() : mix_normals(normals[c]));
  }
  return tables;
}

}  // namespace

std::vector<TargetProbs> blend_members(const TrainedEnsemble& ensemble,
                                       const std::vector<MemberPrediction>& predicted_by) {
  const TargetPlan& plan = ensemble.targets;
  std::vector<torch::Tensor> by_target(plan.targets.size()), normals(plan.targets.size());
  for (std::size_t u = 0; u < plan.units.size(); ++u) {
    const std::vector<int>& targets = plan.units[u].targets;
    for (std::size_t head = 0; head < targets.size(); ++head) {
      const auto target = static_cast<std::size_t>(targets[head]);
      const Blend& blend = ensemble.blends[target];
      const CandidateTables tables = tables_of(ensemble, static_cast<int>(u), head, predicted_by);
      by_target[target] = apply_blend(blend, tables.probs);
      const bool number = plan.targets[target].teaching() == Teaching::kNumber;
      if (number) normals[target] = mix_normals(tables.normals, blend.weights).contiguous();
    }
  }
  plan.derive(by_target);
  std::vector<TargetProbs> blended;
  for (std::size_t t = 0; t < by_target.size(); ++t)
    blended.push_back({plan.targets[t].name, plan.targets[t].classes, by_target[t].contiguous(), normals[t]});
  return blended;
}

}  // namespace pleat
