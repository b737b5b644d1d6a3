// Whether the bins of a target leave each of its classes a chance.
#pragma once

#include <vector>

#include "target/target_code.h"

namespace pleat {

/// Classes that another one has at least as large a share as in every bin, so that it is at least as probable whatever
/// the network says: they can never be the prediction. Without those that have no share at all, of which there is no
/// training row. Empty for a target that is not taught as bins.
std::vector<int> classes_out_of_reach(const TargetCode& code);

}  // namespace pleat
