// ensemble.json: everything that pleat predict and pleat export need to know of an ensemble. Format: docs/formats.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rounds/gather.h"

namespace pleat {

/// Lists the networks of one candidate of a target, each with its share of `weight`.
using MembersOf = std::function<Json(int target, std::size_t candidate, double weight)>;

/// Describes each target: its blend, scores and members, or, without a blend, the targets that it is derived from.
///   asked: the method in the config; candidates: their names; members_of: of a candidate that the blend uses
Json describe_ensembles(const TargetPlan& plan, const std::vector<GatheredTarget>& targets, const std::string& asked,
                        const std::vector<std::string>& candidates, const MembersOf& members_of);

/// The networks of one model of a unit, one for each fold and part: model, fold, weight, folder (in the run folder).
Json list_networks(const RoundSource& source, int folds, const Unit& unit, const std::string& model, double weight);

/// ensemble.json of a round.
Json describe_ensemble(const RoundSource& source, const FoldPlan& plan, const std::vector<GatheredTarget>& targets);

}  // namespace pleat
