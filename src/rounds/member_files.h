// What the run folder holds of one member of an ensemble, checked before anybody uses it.
#pragma once

#include <string>
#include <vector>

#include "rounds/trained_ensemble.h"
#include "target/target_code.h"

namespace pleat {

struct MemberFiles {
  std::string weights;            // the bytes of weights.safetensors
  std::string sha256;             // of these
  std::vector<TargetCode> codes;  // how the outputs are read, for each target of the member's unit
};

/// Throws DataError if a file is gone or damaged, or is of another job than the member's.
MemberFiles read_member(const TrainedEnsemble& ensemble, const Member& member);

}  // namespace pleat
