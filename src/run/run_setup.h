// A run up to its first job: config, ranks, data and frozen folds, the same on every rank.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/mpi_session.h"
#include "run/compute_place.h"
#include "run/conv_plans.h"
#include "run/dataset.h"
#include "run/round.h"
#include "run/run_config.h"
#include "run/run_folder.h"
#include "run/train_request.h"

namespace pleat {

/// The parts of a run that no round changes. Every rank has them. The runs of a sweep share data and folds.
struct Run {
  RunConfig config;
  RunPaths paths;
  std::string host;  // of this rank
  ComputePlace place;
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const FoldPlan> plan;
  std::vector<ModelFiles> files;  // of config.models
  bool resumed = false;           // the folder held this run already
  ConvPlans conv_plans;           // set by begin_run
  std::string promise;            // the guarantee over all starts; on rank 0, set by begin_run

  std::filesystem::path folder_of(const PlannedJob& job) const {
    const std::string& unit = dataset->targets.units[std::size_t(job.unit)].name;
    const std::string& model = config.models[std::size_t(job.model)].id;
    if (job.is_judge()) return paths.judge(unit, job.fold, {job.judged_fold});
    if (job.is_trunk()) return paths.trunk(unit, model, job.fold, {job.last_fold});
    return paths.fold(job.round, unit, model, job.fold, job.part);
  }
};

/// Rank 0's decisions on precision and folds, which a resumed run takes from its earlier start.
struct Frozen {
  std::string precision;
  FoldPlan plan;
  bool resumed = false;
  static constexpr auto members() { return std::tuple{&Frozen::precision, &Frozen::plan, &Frozen::resumed}; }
};
/// Called on rank 0.
///   run: without plan and normalisation; auto_precision: the config leaves the precision open, so that of an earlier
///   start takes precedence over this machine's
using Freeze = std::function<Frozen(const Run& run, bool auto_precision)>;

/// Collective. Reads config, data and folds and checks them against the folder's earlier run, if it holds one. Writes
/// nothing.
Run set_up_run(const TrainRequest& request, const MpiSession& session);

/// The same for a folder that is not a run's: `freeze` replaces the check against an earlier run.
Run set_up_run(const TrainRequest& request, const MpiSession& session, const Freeze& freeze);

/// Throws: UsageError if a model's script is not the one that the folder's run was made with. Another network under the
/// same name would train every job again, over the results of the earlier network.
void check_scripts(const Run& run, const RunRecord& earlier);

/// Throws: UsageError if train.labels or the content of its files is not that of the folder's run.
void check_labels(const Run& run, const RunRecord& earlier);

/// Builds each network that starts from a file, and each network to freeze. Throws: DataError or UsageError if a file
/// does not fit. Tries networks out of scripts (try_script), returns its warnings, and sets ModelFiles::batch_norm.
///   files: of config.models
std::vector<std::string> check_networks(const RunConfig& config, const Dataset& dataset,
                                        std::vector<ModelFiles>& files);

/// Collective. The first round, which learns the labels of the table; rank 0 logs the plan's warnings.
Round plan_first_round(const Run& run, const MpiSession& session);

/// Collective. Rank 0 locks the folder and records there what the run is and how it computes: config.yaml, run.json,
/// folds.csv, conv_plan.json, copies of scripts. Sets run.conv_plans and run.promise.
/// Returns the lock; null on other ranks.
std::unique_ptr<RunFolder> begin_run(Run& run, const Round& round, const MpiSession& session);

/// Rank 0's two parts of begin_run: the lock, and, once run.conv_plans is set, the record.
/// Throws: UsageError or DataError if the folder has changed since set_up_run, or is in use.
std::unique_ptr<RunFolder> take_folder(const Run& run);
void record_run(Run& run, const RunFolder& folder, const MpiSession& session);

}  // namespace pleat
