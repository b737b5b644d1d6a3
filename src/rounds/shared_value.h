// What rank 0 decides and all ranks need.
#pragma once

#include <functional>
#include <string>

#include "base/ranks.h"
#include "folds/fold_plan.h"

namespace pleat {

/// Collective. Runs `decide` on rank 0 and returns its value everywhere; its error is thrown everywhere.
std::string from_rank_0(const Ranks& ranks, const std::function<std::string()>& decide);

/// A fold plan as text, to be shared.
std::string plan_to_text(const FoldPlan& plan);
FoldPlan plan_from_text(const std::string& text);

}  // namespace pleat
