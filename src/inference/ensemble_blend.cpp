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
  const std::vector<int>& targets = ensemble.unit_of(member).targets;
  MemberPrediction prediction;
  for (std::size_t head = 0; head < targets.size(); ++head) {
    const Target& target = ensemble.run_of(member).targets.targets[std::size_t(targets[head])];
    const bool number = target.teaching() == Teaching::kNumber;
    prediction.logits.push_back(file.at(name_of("logits", head)));
    prediction.normals.push_back(number ? file.at(name_of("normal", head)) : torch::Tensor());
  }
  return prediction;
}

namespace {

// Predictions by candidate and target; undefined where a candidate has no members for a target.
using Tables = std::vector<std::vector<torch::Tensor>>;

// The predictions of one candidate's members for one target.
struct Gathered {
  std::vector<torch::Tensor> probs, normals;
};

// Each candidate's mean over its members, and the targets that its run derives.
struct CandidateTables {
  Tables probs, normals;

  CandidateTables(const TrainedEnsemble& ensemble, const std::vector<MemberPrediction>& predicted_by) {
    const std::size_t targets = ensemble.targets().targets.size();
    std::vector<std::vector<Gathered>> gathered(ensemble.candidates.size(), std::vector<Gathered>(targets));
    for (std::size_t m = 0; m < predicted_by.size(); ++m) {
      const Member& member = ensemble.members[m];
      const std::vector<int>& heads = ensemble.unit_of(member).targets;
      for (std::size_t head = 0; head < heads.size(); ++head) {
        Gathered& of = gathered[std::size_t(member.candidate)][std::size_t(heads[head])];
        of.probs.push_back(at::softmax(predicted_by[m].logits[head].to(at::kDouble), 1));
        if (predicted_by[m].normals[head].defined()) of.normals.push_back(predicted_by[m].normals[head]);
      }
    }
    for (const std::vector<Gathered>& by_target : gathered) {
      std::vector<torch::Tensor>&of_probs = probs.emplace_back(), &of_normals = normals.emplace_back();
      for (const Gathered& each : by_target) {
        of_probs.push_back(each.probs.empty() ? torch::Tensor() : mean_probs(each.probs));
        of_normals.push_back(each.normals.empty() ? torch::Tensor() : mix_normals(each.normals));
      }
    }
    if (!ensemble.runs.front().name.empty()) derive(ensemble);  // a run alone derives from its ensemble
  }

  static std::vector<torch::Tensor> of_target(const Tables& tables, std::size_t target) {
    std::vector<torch::Tensor> by_candidate;
    for (const auto& by_target : tables) by_candidate.push_back(by_target[target]);
    return by_candidate;
  }

 private:
  void derive(const TrainedEnsemble& ensemble) {
    for (const TrainedRun& run : ensemble.runs) {
      for (std::size_t m = 0; m < run.config.models.size(); ++m) run.targets.derive(probs[run.first_candidate + m]);
    }
  }
};

}  // namespace

std::vector<TargetProbs> blend_members(const TrainedEnsemble& ensemble,
                                       const std::vector<MemberPrediction>& predicted_by) {
  const TargetPlan& plan = ensemble.targets();
  const CandidateTables tables(ensemble, predicted_by);
  std::vector<torch::Tensor> by_target(plan.targets.size()), normals(plan.targets.size());
  for (std::size_t t = 0; t < plan.targets.size(); ++t) {
    const Blend& blend = ensemble.blends[t];
    if (blend.method.empty()) continue;
    by_target[t] = apply_blend(blend, CandidateTables::of_target(tables.probs, t));
    normals[t] = blend_normals(blend, CandidateTables::of_target(tables.normals, t));
  }
  plan.derive(by_target);
  std::vector<TargetProbs> blended;
  for (std::size_t t = 0; t < by_target.size(); ++t)
    blended.push_back({plan.targets[t].name, plan.targets[t].classes, by_target[t].contiguous(), normals[t]});
  return blended;
}

}  // namespace pleat
