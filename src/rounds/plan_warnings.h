// What a run is asked for and will not do anything, said before it begins.
#pragma once

#include <string>
#include <vector>

#include "rounds/job_plan.h"

namespace pleat {

/// Options that have another value than the default and no effect beside the others, or hardly the one that was meant,
/// in words: "train.beta2 (0.9) has no effect with train.optimizer: sgd".
std::vector<std::string> idle_options(const RunConfig& config);

/// Classes that bins leave no chance (classes_out_of_reach), in words, a line for each target and class.
std::vector<std::string> classes_without_a_chance(const Dataset& dataset, const std::vector<PlannedJob>& jobs);

}  // namespace pleat
