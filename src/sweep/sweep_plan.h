// A sweep up to its first job, the same on every rank: the runs of its cells, and its jobs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/mpi_session.h"
#include "run/run_setup.h"
#include "sweep/cells.h"
#include "sweep/race.h"
#include "sweep/sweep_paths.h"
#include "sweep/sweep_record.h"

namespace pleat {

struct SweepRequest {
  TrainRequest train;             // its run folder is the sweep's
  std::vector<std::string> axes;  // "train.lr=1e-4,1e-3"
  std::int64_t random = 0;        // cells to draw; 0: the whole grid
  std::filesystem::path trials;   // a CSV file of cells, in place of axes
  bool collect = false;
};

/// A cell's runs. Each is a run folder as pleat train makes it.
struct Trial {
  std::string name;
  Run full, brief;        // brief: with the short schedule
  bool extended = false;  // on rank 0: pleat train has added rounds to the full run, so its tables are left alone
  const Run& run_of(const SweepTask& task) const { return task.brief ? brief : full; }
};

/// A network to train for a task.
struct SweepJob {
  int task = 0;  // index in the plan's tasks
  JobPlace place;
  std::string name;  // "lr=0.001,batch=32/label/resnet20/fold 3", for people
};

struct SweepPlan {
  SweepPaths paths;
  Cells cells;
  std::vector<Trial> trials;  // of each cell
  RaceShape shape;
  std::vector<int> fold_order;  // the folds in the order in which they are trained
  std::vector<SweepTask> tasks;
  std::vector<SweepJob> jobs;  // by task
  std::string command;         // that resumes the sweep
  RoundsConfig rounds;         // of the config, for best.yaml; the trials have one round
  SweepRecord record;          // for sweep.json
  bool collect = false;

  const Run& base() const { return trials.front().full; }  // for all that cells share: data, folds, place, score
  const Trial& trial_of(const SweepTask& task) const { return trials[std::size_t(task.cell)]; }
  FoldId fold_of(const SweepTask& task) const { return {fold_order[std::size_t(task.place)]}; }
  const Run& run_of(const SweepJob& job) const;
  /// Computes the job with its key; takes some milliseconds.
  PlannedJob planned(const SweepJob& job) const;
  std::filesystem::path folder_of(const SweepJob& job) const;
};

/// Collective. Reads config, cells, data and folds, checks each cell against them and against the folder's earlier
/// sweep, and all ranks against rank 0. Writes nothing.
/// Throws: UsageError or DataError on all ranks; a message names all cells that cannot be trained.
SweepPlan plan_sweep(const SweepRequest& request, const MpiSession& session);

/// The jobs of one fold of a run: unit x model.
std::vector<PlannedJob> plan_fold(const Run& run, FoldId fold);

/// The folds in the order in which a sweep trains them: drawn by the seed, one repeat after another.
std::vector<int> draw_fold_order(const FoldPlan& plan, std::uint64_t seed);

/// Collective. Chooses the convolution plan of every trial: from its folder, else from this machine's cache, else by
/// measuring.
void choose_conv_plans(SweepPlan& plan, const MpiSession& session);

}  // namespace pleat
