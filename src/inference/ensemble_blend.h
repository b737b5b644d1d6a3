// Blends the predictions of an ensemble's members for the same rows, target by target.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "ensemble/target_probs.h"
#include "inference/trained_ensemble.h"

namespace pleat {

/// One member's prediction of each of its unit's targets.
struct MemberPrediction {
  std::vector<torch::Tensor> logits;   // [rows, C] float32
  std::vector<torch::Tensor> normals;  // [rows, 2] float64 mean and standard deviation of a number, else undefined
};

/// As a message to rank 0.
std::string to_bytes(const MemberPrediction& prediction);
MemberPrediction member_prediction_from(const std::string& bytes, const TrainedEnsemble& ensemble,
                                        const Member& member);

/// Each target's blend of its candidates (the mean over their members), and the targets derived from them. Summed in
/// the ensemble's order, so that the result is the same for any number of ranks.
///   predicted_by: by member
std::vector<TargetProbs> blend_members(const TrainedEnsemble& ensemble,
                                       const std::vector<MemberPrediction>& predicted_by);

}  // namespace pleat
