// Where this rank computes: layout of ranks, device, threads, precision; agreed on by all of them.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "cluster/mpi_session.h"
#include "cluster/rank_layout.h"
#include "model/model_files.h"
#include "rounds/run_config.h"

namespace pleat {

struct ComputePlace {
  RankLayout layout;
  RankPlace mine;
  torch::Device device = at::kCPU;
  std::string cpus;  // kinds of all ranks' CPUs, "AVX512, bf16"; several are joined by " and "

  std::string device_name() const { return device.is_cuda() ? "cuda" : "cpu"; }
};

/// Collective. Sets the thread count of this process, and resolves config.train.precision to the same on all ranks.
/// Throws ClusterError for a device that is not there, UsageError for a layout that cannot be.
ComputePlace choose_place(RunConfig& config, const MpiSession& session);

/// Collective: all ranks must have the same build and config, but for where files lie. Before choose_place, whose slots
/// would not fit together otherwise. Throws ClusterError on all ranks, naming who differs in which fields.
void agree_on_config(const RunConfig& config, const MpiSession& session);

/// The same for what the crops file holds.
void agree_on_data(const std::string& data_hash, const MpiSession& session);

/// The same for what the models' files hold; `files` goes with config.models.
void agree_on_model_files(const RunConfig& config, const std::vector<ModelFiles>& files, const MpiSession& session);

}  // namespace pleat
