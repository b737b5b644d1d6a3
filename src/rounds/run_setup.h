// A run up to its list of jobs: config, ranks, data, frozen folds; the same on every rank.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "cluster/mpi_session.h"
#include "rounds/compute_place.h"
#include "rounds/conv_plans.h"
#include "rounds/dataset.h"
#include "rounds/job_plan.h"
#include "rounds/round.h"
#include "rounds/run_config.h"
#include "rounds/run_folder.h"

namespace pleat {

/// What every rank knows of the run.
struct Run {
  RunConfig config;
  RunPaths paths;
  std::string host;  // of this rank
  ComputePlace place;
  Dataset dataset;
  FoldPlan plan;
  std::vector<ModelFiles> files;  // of config.models
  std::vector<PlannedJob> jobs;
  ConvPlans conv_plans;
  std::string promise;  // of the bits, over all starts; on rank 0

  std::filesystem::path folder_of(const PlannedJob& job) const {
    return paths.fold(dataset.targets.units[std::size_t(job.unit)].name, config.models[std::size_t(job.model)].id,
                      job.fold);
  }
};

/// Collective. On rank 0 the folder is locked and checked (`folder` holds it from then on); a dry run makes
/// the same checks, but takes no lock and writes nothing.
Run set_up_run(const TrainRequest& request, const MpiSession& session, std::unique_ptr<RunFolder>& folder);

/// Rank 0 writes what the run is and how it computes: config.yaml, run.json, folds.csv, conv_plan.json, copies of
/// scripts.
void record_run(const Run& run, const RunFolder& folder, const MpiSession& session);

}  // namespace pleat
