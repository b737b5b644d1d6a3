// The files of one ensemble member, checked before use.
#pragma once

#include <string>
#include <vector>

#include "inference/trained_ensemble.h"
#include "target/target_code.h"

namespace pleat {

struct MemberFiles {
  std::string weights;            // the bytes of weights.safetensors
  std::string sha256;             // of the weights
  std::vector<TargetCode> codes;  // of each target of the member's unit
};

/// Throws DataError if a file is missing or damaged, or belongs to another job.
MemberFiles read_member(const TrainedEnsemble& ensemble, const Member& member);

}  // namespace pleat
