// Chooses layout, device, threads and precision, in agreement with all ranks.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "cluster/free_memory.h"
#include "cluster/mpi_session.h"
#include "cluster/rank_layout.h"
#include "model/model_files.h"
#include "run/run_config.h"

namespace pleat {

struct ComputePlace {
  RankLayout layout;
  RankPlace mine;
  torch::Device device = at::kCPU;
  std::string cpus;  // kinds of all ranks' CPUs, "AVX512, bf16"; different ones are joined by " and "
  FreeMemory free;   // before this rank has allocated tensors: estimates keep what they used

  std::string device_name() const { return device.is_cuda() ? "cuda" : "cpu"; }
};

/// Collective. Sets this process's thread count, and resolves config.train.precision to the same value on all ranks.
/// Throws: ClusterError for a missing device; UsageError for an impossible layout.
ComputePlace choose_place(RunConfig& config, const MpiSession& session);

/// Collective. Requires: called before choose_place.
/// Throws: ClusterError on all ranks if builds or configs differ, naming ranks and fields. Paths of files may differ.
void agree_on_config(const RunConfig& config, const MpiSession& session);

/// Collective. Throws: ClusterError on all ranks if a rank's text differs from rank 0's, naming both.
///   what: described by the text: "ranks differ in their <what>"
void agree_on(const std::string& what, const std::string& mine, const MpiSession& session);

/// As agree_on_config, for the content of the crops file.
void agree_on_data(const std::string& data_hash, const MpiSession& session);

/// As agree_on_config, for the content of the models' files. `files`: of config.models.
void agree_on_model_files(const RunConfig& config, const std::vector<ModelFiles>& files, const MpiSession& session);

}  // namespace pleat
