// Warnings before a run starts: options without effect, and classes that cannot be predicted.
#pragma once

#include <string>
#include <vector>

#include "run/job_plan.h"

namespace pleat {

/// Returns a message for each changed option that has no effect, or probably not the intended one, given the other
/// options: "train.beta2 (0.9) has no effect with train.optimizer: sgd".
std::vector<std::string> idle_options(const RunConfig& config);

/// Returns a message if train.augment.pad can shift most of an image out of sight.
std::vector<std::string> shifts_too_far(const RunConfig& config, const ImageShape& shape);

/// Returns a message for each target and class that its bins make impossible to predict (classes_out_of_reach).
std::vector<std::string> classes_without_a_chance(const Dataset& dataset, const std::vector<PlannedJob>& jobs);

}  // namespace pleat
