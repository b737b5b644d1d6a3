// The run's convolution plans: from its folder, else from this machine's cache, else measured. Formats:
// docs/formats.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/fast_conv.h"
#include "rounds/job_plan.h"
#include "rounds/run_config.h"
#include "rounds/run_folder.h"

namespace pleat {

/// A plan per model id. Each model's own: a job must not depend on which other models a run has.
using ConvPlans = std::map<std::string, ConvPlan>;

/// On rank 0, whose machine stands for all. `before`: those in the run folder, of an earlier start or put there
/// to compute as another run did; they stay what they were, so that
/// its bits do. Those it lacks come from the cache of this kind of machine, where the first to measure a network and
/// size leaves them for all later runs. Empty on CUDA and with cluster.fast_conv off. Throws DataError for a damaged
/// file, named.
ConvPlans choose_conv_plans(const RunConfig& config, const std::vector<PlannedJob>& jobs, const ImageShape& shape,
                            const torch::Device& device, const ConvPlans& before);

/// The empty plan, which leaves all to the library, for a model without one.
const ConvPlan& plan_of(const ConvPlans& plans, const std::string& model);

Json to_json(const ConvPlans& plans);
/// What tells plans apart, for run.json; empty: there are none.
std::string hash_of(const ConvPlans& plans);
ConvPlans plans_from_json(const Json& json, const std::string& source);
/// Those that a run was made with; none if it has no such file.
ConvPlans read_conv_plans(const RunPaths& paths);

}  // namespace pleat
