// What a run may promise of its bits: the weakest of what its starts may, since each has left results behind.
#pragma once

#include <string>

#include "base/fields.h"
#include "rounds/run_config.h"

namespace pleat {

/// What bits depend on besides the config; kept in run.json as `computed_by`.
struct ComputedBy {
  std::string build, device, cpu;  // cpu: kinds of all ranks, "AVX512, bf16"
  std::int64_t threads = 1, shards = 1;
  std::string conv_plan;  // hash of the plans; empty: none
};
Json to_json(const ComputedBy& by);

/// `before`: run.json of an earlier start in this folder, or null. A start by another build, device, CPU kind, number
/// of threads or of shards (but in exact mode) ends the promise for good: nobody knows which result came from which.
std::string promise(const RunConfig& config, const ComputedBy& now, const Json& before);

}  // namespace pleat
