// What an ensemble's members say of the same rows, put together target by target.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "rounds/predictions_csv.h"
#include "rounds/trained_ensemble.h"

namespace pleat {

/// What one member says of each of its unit's targets.
struct Said {
  std::vector<torch::Tensor> logits;   // [rows, C] float32, of classes
  std::vector<torch::Tensor> normals;  // [rows, 2] float64 mean and standard deviation of a number, else undefined
};

/// For its way to rank 0.
std::string to_bytes(const Said& said);
Said said_from(const std::string& bytes, const TrainedEnsemble& ensemble, const Member& member);

/// Each target's mean over its members, and what is derived from these. In the ensemble's order, so that the result is
/// the same for any number of ranks. said[member]
std::vector<TargetProbs> blend_members(const TrainedEnsemble& ensemble, const std::vector<Said>& said);

}  // namespace pleat
