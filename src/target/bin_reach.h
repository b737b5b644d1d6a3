// Finds classes that a target's bins make impossible to predict.
#pragma once

#include <vector>

#include "target/target_code.h"

namespace pleat {

/// Returns classes that can never be predicted: other classes hold so much of their bins that they are always more
/// probable. Ignores classes without training rows. Empty if the target is not trained on bins.
std::vector<int> classes_out_of_reach(const TargetCode& code);

}  // namespace pleat
