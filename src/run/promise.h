// The reproducibility guarantee in run.json. A resumed run gets the weakest guarantee of its starts, since each start
// has left results behind.
#pragma once

#include <cstdint>
#include <string>

#include "base/fields.h"
#include "run/run_config.h"

namespace pleat {

struct RunRecord;

/// Everything besides the config that affects the bits of a result.
struct ComputedBy {
  std::string build, device, cpu;  // cpu: the kinds of all ranks' CPUs, "AVX512, bf16"
  std::int64_t threads = 1, shards = 1;
  std::string conv_plan;  // hash of the convolution plans; empty: none
};
Json to_json(const ComputedBy& by);

/// `earlier`: the record of the run's earlier starts; null for a new run. Resuming with another build, device, CPU
/// kind, number of threads, convolution plan, or number of shards (except in exact mode) loses the guarantee for good:
/// results of both kinds are then in one folder.
std::string promise(const RunConfig& config, const ComputedBy& now, const RunRecord* earlier);

}  // namespace pleat
