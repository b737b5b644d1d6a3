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

std::vector<TargetProbs> blend_members(const TrainedEnsemble& ensemble,
                                       const std::vector<MemberPrediction>& predicted_by) {
  const TargetPlan& plan = ensemble.targets;
  std::vector<torch::Tensor> by_target(plan.targets.size()), normals(plan.targets.size());
  for (std::size_t u = 0; u < plan.units.size(); ++u) {
    const std::vector<int>& targets = plan.units[u].targets;
    for (std::size_t head = 0; head < targets.size(); ++head) {
      std::vector<torch::Tensor> probs, mixed;
      for (std::size_t m = 0; m < predicted_by.size(); ++m) {
        if (ensemble.members[m].unit != static_cast<int>(u)) continue;
        probs.push_back(at::softmax(predicted_by[m].logits[head].to(at::kDouble), 1));
        if (predicted_by[m].normals[head].defined()) mixed.push_back(predicted_by[m].normals[head]);
      }
      by_target[std::size_t(targets[head])] = mean_probs(probs);
      if (!mixed.empty()) normals[std::size_t(targets[head])] = mix_normals(mixed).contiguous();
    }
  }
  plan.derive(by_target);
  std::vector<TargetProbs> blended;
  for (std::size_t t = 0; t < by_target.size(); ++t)
    blended.push_back({plan.targets[t].name, plan.targets[t].classes, by_target[t].contiguous(), normals[t]});
  return blended;
}

}  // namespace pleat
