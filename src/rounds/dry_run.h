// What a run would do and need, without doing it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rounds/compute_place.h"
#include "rounds/dataset.h"
#include "rounds/job_plan.h"

namespace pleat {

/// Rows per class, groups, jobs and which of them `folder` holds already, slots, memory per rank (measured on two small
/// training steps and scaled to the batch) and disk. Reads only.
std::string describe_dry_run(const RunConfig& config, const Dataset& dataset, const std::vector<PlannedJob>& jobs,
                             const ComputePlace& place, const std::filesystem::path& folder);

}  // namespace pleat
