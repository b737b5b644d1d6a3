// ensemble.json: everything that pleat predict and pleat export need to know of an ensemble. Format: docs/formats.md.
#pragma once

#include <vector>

#include "rounds/gather.h"

namespace pleat {

/// Describes each target's blend, its scores and its members, or the targets that it is derived from.
Json describe_ensemble(const RunConfig& config, const Dataset& dataset, const FoldPlan& plan,
                       const std::vector<GatheredTarget>& targets, const RunPaths& paths, int round);

}  // namespace pleat
