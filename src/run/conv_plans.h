// A run's convolution plans: read from its folder, else from this machine's cache, else measured. Formats:
// docs/formats.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernels/fast_conv.h"
#include "run/job_plan.h"
#include "run/run_config.h"
#include "run/run_folder.h"

namespace pleat {

/// One plan per model id: a job must not depend on the run's other models.
using ConvPlans = std::map<std::string, ConvPlan>;

/// Called on rank 0, whose machine decides for all ranks. Plans of other models come from the cache for this kind of
/// machine; the first run with a network and size measures its plan and stores it there. Empty on CUDA and without
/// cluster.fast_conv.
///   before: plans in the run folder, from an earlier start or copied from another run; kept unchanged, since results
///   depend on them
ConvPlans choose_conv_plans(const RunConfig& config, const std::vector<PlannedJob>& jobs, const ImageShape& shape,
                            const torch::Device& device, const ConvPlans& before);

/// Returns the model's plan; for a model without one, the empty plan, which uses the library for everything.
const ConvPlan& plan_of(const ConvPlans& plans, const std::string& model);

Json to_json(const ConvPlans& plans);
/// Returns the plans' hash, for run.json; empty without plans.
std::string hash_of(const ConvPlans& plans);
ConvPlans plans_from_json(const Json& json, const std::string& source);
/// Returns the plans in a run folder; none without the file. Throws DataError for a damaged file.
ConvPlans read_conv_plans(const RunPaths& paths);

}  // namespace pleat
