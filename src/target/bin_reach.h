// Whether the bins of a target leave each of its classes a chance.
#pragma once

#include <vector>

#include "target/target_code.h"

namespace pleat {

/// Classes whose bins hold so much of others that these are more probable whatever the network says: they can never be
/// the prediction. Without those of which there is no training row. Empty for a target that is not taught as bins.
std::vector<int> classes_out_of_reach(const TargetCode& code);

}  // namespace pleat
