// Where this rank computes: layout of ranks, device, threads, precision; agreed on by all of them.
#pragma once

#include <torch/types.h>

#include <string>

#include "cluster/mpi_session.h"
#include "cluster/rank_layout.h"
#include "rounds/run_config.h"

namespace pleat {

struct ComputePlace {
  RankLayout layout;
  RankPlace mine;
  torch::Device device = at::kCPU;

  std::string device_name() const { return device.is_cuda() ? "cuda" : "cpu"; }
};

/// Collective. Sets the thread count of this process, and resolves config.train.precision to the same on all ranks.
/// Throws ClusterError for a device that is not there, UsageError for a layout that cannot be.
ComputePlace choose_place(RunConfig& config, const MpiSession& session);

/// What the run may promise of its bits: byte-identical for any number of ranks, or not.
std::string promise(const RunConfig& config);

/// Collective: all ranks must have the same build, resolved config and data. Throws ClusterError naming who differs in
/// what.
void agree_on_inputs(const RunConfig& config, const std::string& data_hash, const MpiSession& session);

}  // namespace pleat
